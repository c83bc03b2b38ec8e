"""Pages of the site from outside docs/: a hook of mkdocs, which reads docs/ alone.

README.md is the home page. A page may link to any file of the repository: another Markdown page becomes a page of the
site, any other file a page that shows its text, and a folder a page that lists its files. Links are rewritten to the
places of their targets on the site; a link without a target stays as it is, and the strict build refuses it.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

HOME = "README.md"
DOCS = "docs/"
SHOWN = "repository/"
#: Outside of code: `](target)` or `](target#anchor)`, not an address on the web and not an anchor of the same page.
LINK = re.compile(
    r"(^```.*?^```|^~~~~.*?^~~~~|`[^`\n]*`)|(?<=\]\()([^)#\s:]+)(?=[)#])", re.DOTALL | re.MULTILINE
)
#: Of code in a table: the backslash is for readers of the file, and mkdocs would show it.
ESCAPED_PIPE = re.compile(r"\\\|(?=[^`\n]*`[^`\n]*(?:`[^`\n]*`[^`\n]*)*$)", re.MULTILINE)
#: What a browser would fetch from another host.
FETCHED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
LANGUAGES = {".py": "python", ".yaml": "yaml", ".sh": "bash", ".toml": "toml", ".txt": "text", "": "text"}


def on_files(files: Any, config: Any) -> Any:
    """Add README.md, and the files that pages link to, directly or through other added pages."""
    root = Path(config["config_file_path"]).parent
    known = {DOCS + file.src_uri for file in files}
    unread = [HOME, *(path for path in known if path.endswith(".md"))]
    known.add(HOME)
    files.append(added(root, HOME, config))
    while unread:
        path = unread.pop()
        for target in targets(path, (root / path).read_text("utf-8")):
            if target not in known and (root / target).exists():
                known.add(target)
                files.append(added(root, target, config))
                unread += [target] if target.endswith(".md") else []
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Point the links of a page to the pages of their targets, and show pipes of code in tables."""
    root = Path(config["config_file_path"]).parent
    here = posixpath.dirname(page.file.src_uri)
    path = repository_path(root, page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        if link[1]:
            return link[1]
        target = resolved(path, link[2])
        return posixpath.relpath(uri(target), here) if (root / target).exists() else link[2]

    return ESCAPED_PIPE.sub("|", LINK.sub(moved, markdown))


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Refuse a page that would fetch a script, a style or an image from another host."""
    if fetched := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} must fetch nothing from another host (has {fetched[0]})")
    return output


def targets(path: str, markdown: str) -> Iterator[str]:
    """Yield the repository's paths that a page at `path` links to."""
    return (resolved(path, link[2]) for link in LINK.finditer(markdown) if link[2])


def resolved(path: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def uri(path: str) -> str:
    """Return the site's source path of a file of the repository."""
    if path == HOME:
        return "index.md"
    if path.startswith(DOCS):
        return path.removeprefix(DOCS)
    return SHOWN + (path if path.endswith(".md") else f"{path}.md")


def repository_path(root: Path, src_uri: str) -> str:
    """Return the repository's path of a page of the site: the inverse of `uri`."""
    if src_uri == "index.md":
        return HOME
    if not src_uri.startswith(SHOWN):
        return DOCS + src_uri
    path = src_uri.removeprefix(SHOWN)
    return path if (root / path).exists() else path.removesuffix(".md")


def added(root: Path, path: str, config: Any) -> File:
    source = root / path
    if source.is_dir():
        content = excerpt(
            path, "\n".join(sorted(file.name for file in source.iterdir() if file.name[0] not in "._"))
        )
    else:
        content = (
            source.read_text("utf-8") if path.endswith(".md") else excerpt(path, source.read_text("utf-8"))
        )
    return File.generated(config, uri(path), content=content)


def excerpt(path: str, text: str) -> str:
    """Show a text as a page, which the search leaves out."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"---\nsearch: {{exclude: true}}\n---\n\n# {path}\n\n~~~~{language}\n{text}\n~~~~\n"
