"""Write the reference of docs/api.md from the routes: `make docs`. What stands before it is written by hand."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskqueue_api.routes import describe_routes

TARGET = Path(__file__).parents[2] / "docs" / "api.md"
MARK = "<!-- From here on written by `make docs` from the routes; change it there. -->\n"

Schema = Mapping[str, Any]


def text() -> str:
    """Return the whole page."""
    head, mark, _ = TARGET.read_text().partition(MARK)
    return head + mark + "\n" + "\n".join(_lines(describe_routes()))


def _lines(api: Schema) -> Iterator[str]:
    schemas: Schema = api["components"]["schemas"]
    yield "## Requests\n"
    noun = ""
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            if operation["tags"][0] != noun:
                noun = operation["tags"][0]
                yield f"### {noun}\n"
            yield from _operation(method.upper(), path, operation)
    yield "## Answers and bodies\n"
    for name, schema in sorted(schemas.items()):
        if "properties" in schema and not name.startswith("Page_"):
            yield from _schema(name, schema)
        elif "enum" in schema:
            yield f"### {name}\n"
            yield f"One of {_link(schema)}.\n"


def _operation(method: str, path: str, operation: Schema) -> Iterator[str]:
    yield f"#### {method} {path}\n"
    yield f"{operation['summary']}\n"
    if operation["description"] != operation["summary"]:
        yield f"{operation['description']}\n"
    for one in operation.get("parameters", ()):
        yield f"- `{one['name']}` ({_place(one)}): {one['description']}{_bounds(one['schema'])}"
    if "requestBody" in operation:
        yield f"- body: {_contents(operation['requestBody']['content'])}"
    answers = operation["responses"].items()
    good = [
        f"{status} {_contents(one.get('content', {}))}".strip() for status, one in answers if status < "300"
    ]
    own = [f"{status}: {one['description']}" for status, one in answers if status in {"409", "412"}]
    yield f"- answer: {', '.join(good)}"
    yield from (f"- {sentence}" for sentence in own)
    yield ""


def _place(parameter: Schema) -> str:
    return str(parameter["in"]) + (
        ", required" if parameter["required"] and parameter["in"] != "path" else ""
    )


def _bounds(schema: Schema) -> str:
    """Return the words that are allowed, the bounds and the default of a value."""
    words = []
    inner = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if "enum" in inner:
        words.append(" or ".join(f"`{one}`" for one in inner["enum"]))
    if "maximum" in inner:
        words.append(f"{inner.get('minimum', '')} to {inner['maximum']:,}".strip())
    if schema.get("default") not in {None, ""}:
        words.append(f"default `{str(schema['default']).lower()}`")
    return f" {'; '.join(words).capitalize()}." if words else ""


def _contents(contents: Schema) -> str:
    return " or ".join(
        _link(content["schema"]) if media_type == "application/json" else f"`{media_type}`"
        for media_type, content in contents.items()
    )


def _schema(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}\n"
    if "description" in schema:
        yield f"{_cell(schema['description'])}\n"
    yield "| field | type | |\n|---|---|---|"
    required = schema.get("required", ())
    for field, value in schema["properties"].items():
        needed = "" if field in required or "default" in value else " (left out where there is none)"
        yield f"| `{field}` | {_link(value)} | {_cell(value.get('description', ''))}{needed} |"
    yield ""


def _link(schema: Schema) -> str:
    """Return the type of a value, with a link where it has fields of its own."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name.startswith("Page_"):
            return f"page of {_linked(name.removeprefix('Page_').removesuffix('_'))}"
        return _linked(name)
    if "anyOf" in schema:
        return " or ".join(_link(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_link(schema['items'])}"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("format") == "date-time":
        return "instant"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}
    name = str(schema.get("type", "any"))
    return words.get(name, name)


def _linked(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(text())
    sys.stdout.write(f"{TARGET.name}\n")
