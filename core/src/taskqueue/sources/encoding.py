"""What a file is that is not UTF-8 text."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_BEGINNINGS = (
    (b"\x1f\x8b", "unpack the file: it is compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "unpack the file: it is compressed with zstd"),
    (b"BZh", "unpack the file: it is compressed with bzip2"),
    (b"\xfd7zXZ\x00", "unpack the file: it is compressed with xz"),
    (b"PK\x03\x04", "unpack the file, or export it as text: it is a ZIP archive or a spreadsheet"),
    (b"\xff\xfe", "write the file in UTF-8: it is UTF-16 or UTF-32"),
    (b"\xfe\xff", "write the file in UTF-8: it is UTF-16"),
    (b"\x00\x00\xfe\xff", "write the file in UTF-8: it is UTF-32"),
)


def refuse_encoding(beginning: bytes) -> str:
    """Say what to do about a file that begins like this; empty for what may be UTF-8 text.

    >>> refuse_encoding("userId".encode("utf-16"))
    'write the file in UTF-8: it is UTF-16 or UTF-32'
    >>> refuse_encoding(b"userId,type")
    ''
    """
    for mark, remedy in _BEGINNINGS:
        if beginning.startswith(mark):
            return remedy
    # Text without a mark, whose first characters are ASCII, has every second byte 0.
    if len(beginning) > 3 and beginning[:4].count(0) == 2 and beginning[0] != beginning[1]:  # noqa: PLR2004
        return "write the file in UTF-8: it is UTF-16"
    return ""
