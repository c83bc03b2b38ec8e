"""deploy/manifests/ equals the rendered chart."""

from render import TARGET, text

from tests.support.chart.helm import Helm


def test_the_plain_manifests_equal_the_rendered_chart(helm: Helm) -> None:
    assert TARGET.read_text("utf-8") == text(), "run `make manifests`"


def test_the_plain_manifests_have_no_trace_of_helm() -> None:
    assert "helm" not in TARGET.read_text("utf-8").partition("\n---\n")[2].lower()
