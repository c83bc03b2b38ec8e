"""Build images into a cache outside the checkout, and print a line for each: NAME ARCHIVE.

    python tools/images/build_images.py

Builds deploy/docker/Dockerfile with buildah, without a container engine and without a registry of images: the base is
made of Debian packages. The name of an archive (OCI, read by `ctr images import` or `docker load`) is the image's name
and a digest of all its sources, so a changed source makes another archive. Next to an archive of the project's own
images lies the bill of materials, with .sbom.json in place of .tar. Needs root, buildah, debootstrap, busybox-static
and the programs of a node; exit 1 with the output of the failing program, if one fails.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from buildah import buildah, cache, secrets
from sbom import bill, image_source

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
VALKEY = ROOT / "tools" / "images" / "valkey.Dockerfile"
COPIED = ("pyproject.toml", "requirements", "README.md", "core", ".dockerignore")
#: The folders of an image's own package.
OWN = {"operator": ("operator", "worker"), "worker": ("operator", "worker"), "api": ("api",)}
PINS = ROOT / "requirements" / "product.txt"
BUSYBOX = Path("/bin/busybox")

# What the project's images begin from: Python with its venv module, as python:3.13-slim has them; and tini, which the
# Dockerfile would else install from an index of Debian's packages.
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv,tini"

BASE = f"localhost/taskqueue-base:{SUITE}-{PACKAGES.replace(',', '-')}"
KEPT = 4  # archives of one name


def version() -> str:
    """Of the project; its images have it as their tag."""
    found: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return found


def digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def contents(paths: Iterable[Path]) -> Iterator[bytes]:
    """Yield the names and bytes of files, and of all files of folders except Python's caches."""
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(ROOT)).encode()
                yield file.read_bytes()


def make_base(name: str) -> None:
    """Make the base of the project's images, if buildah does not have it."""
    if not buildah("images", "--quiet", "--filter", f"reference={name}"):
        say(f"making the base of Debian {SUITE}: {PACKAGES}")
        with tempfile.TemporaryDirectory(prefix="taskqueue-base-") as folder:
            bootstrap(Path(folder))
            container = buildah("from", "scratch")
            buildah("add", "--quiet", container, folder, "/")
            buildah("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
            buildah("commit", "--quiet", "--rm", container, name)


def bootstrap(folder: Path) -> None:
    options = ["--variant=minbase", f"--include={PACKAGES}"]
    run(["debootstrap", *options, SUITE, str(folder), *mirror()])
    for package in (folder / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        package.unlink()


def mirror() -> list[str]:
    """Where this machine has its own Debian packages from, if it is of that suite; else debootstrap knows one."""
    asked = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]
    lines = run(asked).splitlines()
    return [site for site, release in (line.split() for line in lines) if release == SUITE][:1]


def run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def project_image(target: str) -> Path:
    name = f"taskqueue-{target}"
    files = [DOCKERFILE, *(ROOT / path for path in (*COPIED, *OWN[target]))]
    archive = image(name, version(), files, "--target", target, f"--build-arg=VERSION={version()}")
    if not bill_of(archive).exists():
        write_bill(archive, name)
    return archive


def bill_of(archive: Path) -> Path:
    """Return the path of an archive's bill of materials."""
    return archive.with_suffix(".sbom.json")


def write_bill(archive: Path, name: str) -> None:
    """List the contents of an archive's image, from its files rather than from its sources."""
    say(f"listing what is in {name}")
    container = buildah("from", f"oci-archive:{archive}")
    try:
        root = Path(buildah("mount", container))
        draft = archive.with_suffix(f".draft-{os.getpid()}")
        draft.write_text(bill(root, image_source(archive, name, version())))
        draft.rename(bill_of(archive))
    finally:
        buildah("rm", container)


def image(name: str, tag: str, files: list[Path], *options: str) -> Path:
    """Build files[0], a Dockerfile. files: all sources of the image."""
    archive = cache() / f"{name}-{digest([BASE.encode(), *contents(files)])}.tar"
    if not archive.exists():
        make_base(BASE)
        say(f"building {name}")
        full = f"docker.io/library/{name}:{tag}"  # what `docker build -t NAME:TAG` calls it
        buildah(
            *("bud", "--quiet", "--layers", "--isolation", "chroot", "--network", "host"),
            *(f"--build-arg=BASE={BASE}", *options, *secrets()),
            *("--file", str(files[0]), "--tag", full, str(ROOT)),
        )
        export(full, archive)
    return archive


def node_image(name: str, program: Path, *entrypoint: str) -> Path:
    """Build an image of one static program, for the node itself."""
    archive = cache() / f"{name}-{digest([program.read_bytes(), *map(str.encode, entrypoint)])}.tar"
    if not archive.exists():
        say(f"building {name}")
        container = buildah("from", "scratch")
        buildah("copy", "--quiet", container, str(program), f"/{program.name}")
        command = ", ".join(f'"{word}"' for word in (f"/{program.name}", *entrypoint))
        buildah("config", "--entrypoint", f"[{command}]", container)
        full = f"localhost/{name}:local"
        buildah("commit", "--quiet", "--rm", container, full)
        export(full, archive)
    return archive


def export(image: str, archive: Path) -> None:
    """Write an archive, beside and then renamed; of older ones of its name the last few are kept."""
    draft = archive.with_suffix(f".draft-{os.getpid()}")
    try:
        buildah("push", "--quiet", image, f"oci-archive:{draft}:{image}")
        draft.rename(archive)
    finally:
        draft.unlink(missing_ok=True)
    older = archive.parent.glob(f"{archive.stem.rpartition('-')[0]}-{'?' * 12}.tar")
    for path in sorted(older, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
        bill_of(path).unlink(missing_ok=True)


def say(words: str) -> None:
    print(f"images: {words}", file=sys.stderr, flush=True)


def coredns() -> Path:
    script = ROOT / "tools" / "cluster" / "build.py"
    folder = subprocess.run(
        [sys.executable, script, "node"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return Path(folder.strip()) / "coredns"


def main() -> int:
    cache().mkdir(parents=True, exist_ok=True)
    try:
        built = {f"taskqueue-{target}": project_image(target) for target in OWN}
        built["valkey"] = image("valkey", "local", [VALKEY, PINS])
        built["coredns"] = node_image("coredns", coredns())
        built["pause"] = node_image("pause", BUSYBOX, "sleep", "infinity")
    except subprocess.CalledProcessError as failed:
        say(f"{failed}\n{failed.stderr or ''}")
        return 1
    for name, archive in built.items():
        print(name, archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
