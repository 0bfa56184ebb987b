"""The bytes of a file -> its text, or the place of the first byte that is no text. No I/O."""

from codecs import BOM_UTF8

from schedsync.specs.problem import Problem

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode(data: bytes, file: str) -> str | Problem:
    """Return *data* as text (UTF-8; a byte order mark is dropped), or what is wrong with it."""
    if data.startswith(_UTF16_MARKS):
        return Problem(file, 1, 1, "the file is UTF-16; save it as UTF-8")
    data = data.removeprefix(BOM_UTF8)
    nul = data.find(b"\0")
    if nul >= 0:
        line, column = _place(data, nul)
        return Problem(file, line, column, "the file is not a text file: there is a NUL byte here; remove it")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line, column = _place(data, error.start)
        found = f"0x{data[error.start]:02X} is no character"
        return Problem(file, line, column, f"the file is not a text file in UTF-8: {found}; save it as UTF-8")


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Return line and column (from 1, in characters) of the byte at *offset*."""
    before = data[:offset]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode(errors="replace")) + 1
