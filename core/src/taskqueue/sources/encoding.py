"""Refusals of files that are not UTF-8 text."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "ZIP, as spreadsheets are"),
)
_ENCODINGS = (
    (b"\xff\xfe", "UTF-16 or UTF-32"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
)


def refuse_packed(data: bytes) -> str:
    """Return the remedy for a compressed file; empty for another one."""
    name = next((name for mark, name in _PACKED if data.startswith(mark)), "")
    return f"must be text (was {name}); unpack the file, or export it as text" if name else ""


def refuse_encoding(data: bytes) -> str:
    """Return the remedy for a file with this beginning; empty if it may be UTF-8 text.

    >>> refuse_encoding("userId".encode("utf-16-le"))
    'must be UTF-8 (was UTF-16)'
    >>> refuse_encoding(b"userId,type")
    ''
    """
    name = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "")
    # Text without a mark, whose first characters are ASCII, has every second byte 0.
    if not name and len(data) > 3 and data[:4].count(0) == 2 and (data[0] == 0) != (data[1] == 0):  # noqa: PLR2004
        name = "UTF-16"
    return f"must be UTF-8 (was {name})" if name else refuse_packed(data)
