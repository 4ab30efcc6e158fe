"""The encoding of a table that a person saved: UTF-8, UTF-16, or a national one that must be detected."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.label_map import built_in_label_maps, load_label_map, name_key

# Chinese, Russian and Western European Windows; of equally good ones the first is taken. More candidates would be
# confused with these in short tables: cp1250 with cp1252, and Shift JIS, Big5 and cp949 with GB 18030.
CANDIDATES = ("gb18030", "cp1251", "cp1252")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# No character of a candidate has one of these as its second byte; `|` and `\\` are second bytes in GB 18030.
_CELL_END = re.compile(rb'[,;\t\r\n/"]+')
_SAMPLE_BYTES = 400  # a detector needs this much text; a shorter sample is repeated
_MAX_CELLS = 2000


def decode_text(data: bytes, *, name: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the text of a table, without a byte-order mark, and a note where its encoding had to be guessed.

    The encoding is `encoding` where given, else that of the byte-order mark, else UTF-8, else the likeliest of
    CANDIDATES. `name` is the table's name in messages. Raises ManifestError with the byte at fault.

    >>> decode_text("文件,物种".encode("gbk"), name="x.csv")[0]
    '文件,物种'
    """
    marked = next((e for bom, e in _BOMS if data.startswith(bom)), None)
    try:
        return data.decode(encoding or marked or "utf-8"), ()
    except UnicodeDecodeError as error:
        if encoding or marked:
            raise ManifestError(
                "the table is not in this encoding",
                where=f"{name}, byte {error.start}",
                expected=encoding or marked,
                todo="give the right --encoding",
            ) from None
        i_bad = error.start
    except LookupError:
        raise ManifestError(
            "this encoding is not known", found=encoding, expected="such as utf-8, cp1251 or gb18030"
        ) from None
    for guess in rank_encodings(data):
        try:
            text = data.decode(guess)
        except UnicodeDecodeError:
            continue
        return text, (f"{name} is not in UTF-8 and was read as {guess}; give --encoding if names look wrong",)
    raise ManifestError(
        "the encoding of the table is not known",
        where=f"{name}, byte {i_bad}",
        expected="UTF-8, UTF-16 with a byte-order mark, " + ", ".join(CANDIDATES[:-1]) + f" or {CANDIDATES[-1]}",
        todo="give its --encoding, such as shift_jis or cp1250",
    )


def rank_encodings(data: bytes) -> list[str]:
    """Return those of CANDIDATES that can decode the table's cells, the likeliest first.

    Only cells with bytes beyond ASCII count, each once. The most animal names of the built-in label maps come first,
    which decides even a table with one short name; then the least mess and the most coherence that
    charset-normalizer finds.

    >>> rank_encodings("1.jpg,狼".encode("gbk"))[0], rank_encodings("1.jpg,волк".encode("cp1251"))[0]
    ('gb18030', 'cp1251')
    """
    from charset_normalizer import from_bytes

    cells = list(dict.fromkeys(c.strip() for c in _CELL_END.split(data) if not c.isascii()))[:_MAX_CELLS]
    sample = b"\n".join([*cells, b""])
    matches = from_bytes(sample * -(-_SAMPLE_BYTES // len(sample)), cp_isolation=[*CANDIDATES], threshold=1.0)

    known = {e: sum(name_key(c.decode(e, "replace")) in _known_names() for c in cells) for e in CANDIDATES}
    costs = {
        m.encoding: (-known[m.encoding], round(m.chaos, 2), -round(m.coherence, 2), CANDIDATES.index(m.encoding))
        for m in matches
    }
    return sorted(costs, key=lambda encoding: costs[encoding])


@lru_cache(maxsize=1)
def _known_names() -> frozenset[str]:
    maps = [load_label_map(name) for name in built_in_label_maps()]
    return frozenset(key for m in maps for key in m.name_keys if not key.isascii())
