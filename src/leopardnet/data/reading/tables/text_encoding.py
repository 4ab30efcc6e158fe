"""The encoding of a table that a person saved: UTF-8, UTF-16, or a national one that must be detected."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.label_map import list_label_maps, load_label_map, name_key

# Chinese, Russian and Western European Windows; the first of equally likely ones wins. Further candidates would be
# confused with these in short tables: cp1250 with cp1252, and Shift JIS, Big5 and cp949 with GB 18030.
CANDIDATES = ("gb18030", "cp1251", "cp1252")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# These bytes are never part of a longer character, unlike `|` and `\\`, which are second bytes in GB 18030.
_CELL_END = re.compile(rb'[,;\t\r\n/"]+')
_NUMBER_SIGN = re.compile(r"(?<!\w)№ ?\d")
_SAMPLE_BYTES = 400  # a detector needs this much text; a shorter sample is repeated
_MAX_CELLS = 2000


def decode_text(data: bytes, *, name: str, encoding: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the text of a table, without a byte-order mark, and a note if its encoding was guessed.

    The encoding is `encoding` if given, else that of the byte-order mark or of zero bytes, else UTF-8, else the
    likeliest of CANDIDATES. `name` is the table's name in messages. Raises ManifestError with the byte at fault.

    >>> decode_text("文件,物种".encode("gbk"), name="x.csv")[0]
    '文件,物种'
    """
    marked = next((e for bom, e in _BOMS if data.startswith(bom)), None) or _find_utf16(data)
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
        note = f"{name} is not in UTF-8 and was read as {guess}; give --encoding if names look wrong"
        return text, (f"{note}, or save it in UTF-8",)
    raise ManifestError(
        "the encoding of the table is not known",
        where=f"{name}, byte {i_bad}",
        expected="UTF-8, UTF-16 with a byte-order mark, or one of " + ", ".join(CANDIDATES),
        todo="give its --encoding, such as shift_jis or cp1250",
    )


def _find_utf16(data: bytes) -> str | None:
    """Return the form of UTF-16 of a table without a byte-order mark: there, ASCII signs hold a zero byte each."""
    sample = data[:_SAMPLE_BYTES]
    if len(data) % 2 or 8 * sample.count(0) < len(sample):
        return None
    is_zero_first, is_zero_last = 0 in sample[::2], 0 in sample[1::2]
    if is_zero_first == is_zero_last:
        return None  # binary data
    return "utf-16-be" if is_zero_first else "utf-16-le"


def rank_encodings(data: bytes) -> list[str]:
    """Return CANDIDATES, the likeliest first.

    Only cells with bytes beyond ASCII count, each once, because short columns give little evidence and the rest of
    the table none. The candidate with the most familiar cells comes first: names in the built-in label maps, and
    numbers such as №3. Then follow the least mess and the most coherence that charset-normalizer finds.

    >>> rank_encodings("1.jpg,虎".encode("gbk"))[0], rank_encodings("1.jpg,лев".encode("cp1251"))[0]
    ('gb18030', 'cp1251')
    """
    from charset_normalizer import from_bytes

    cells = list(dict.fromkeys(c.strip() for c in _CELL_END.split(data) if not c.isascii()))[:_MAX_CELLS]
    sample = b"\n".join([*cells, b""])
    matches = from_bytes(sample * -(-_SAMPLE_BYTES // len(sample)), cp_isolation=[*CANDIDATES], threshold=1.0)
    scores = {m.encoding: (round(m.chaos, 2), -round(m.coherence, 2)) for m in matches}

    def cost(encoding: str) -> tuple[float, ...]:
        texts = [c.decode(encoding, "replace") for c in cells]
        n_familiar = sum(name_key(t) in _list_known_names() or bool(_NUMBER_SIGN.search(t)) for t in texts)
        return -n_familiar, *scores.get(encoding, (1.0, 0.0)), CANDIDATES.index(encoding)

    return sorted(CANDIDATES, key=cost)


@lru_cache(maxsize=1)
def _list_known_names() -> frozenset[str]:
    maps = [load_label_map(name) for name in list_label_maps()]
    return frozenset(key for m in maps for key in m.name_keys if not key.isascii())
