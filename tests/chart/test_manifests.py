"""deploy/manifests/ is what the chart renders."""

from render import TARGET, text

from tests.support.chart.helm import Helm


def test_the_plain_manifests_are_what_the_chart_renders(helm: Helm) -> None:
    assert TARGET.read_text("utf-8") == text(), "run `make manifests`"


def test_nothing_of_helm_is_in_them() -> None:
    assert "helm" not in TARGET.read_text("utf-8").partition("\n---\n")[2].lower()
