"""What a file is to a browser: how HTTP names it, and whether it may be shown away from the API."""

import re
import unicodedata
from enum import StrEnum
from urllib.parse import quote

_UNRESERVED = "!#$&+-.^_`|~"
"""Of RFC 8187's attr-char, besides letters and digits."""
_NOT_QUOTABLE = re.compile(r"""[^\x20-\x7e]|["\\%]""")
"""Clients disagree on what these mean between quotes, whatever RFC 6266 says."""
_SPACES = re.compile(" +")
_SHOWN = re.compile(
    r"application/(json|pdf)|text/plain|(audio|video)/[\w.+-]+"
    r"|image/(apng|avif|bmp|gif|jpeg|png|tiff|vnd\.microsoft\.icon|webp)"
)
_PAGES = re.compile(r"text/(html|xml|xsl)|application/(xhtml\+)?xml|[\w.+-]+/[\w.+-]+\+xml|multipart/.+")


class Disposition(StrEnum):
    """What a browser is to do with a file."""

    INLINE = "inline"
    ATTACHMENT = "attachment"


def content_disposition(disposition: Disposition, filename: str) -> str:
    """The header, in the form of RFC 6266: the name in ASCII, as near as can be, and the exact one for
    clients that know `filename*`. Every byte is ASCII, and no two spaces follow each other, which signatures
    of requests take for one. What cannot be printed, such as a control of the direction of text, is `_`."""
    printable = "".join(one if one.isprintable() else "_" for one in filename)
    plain = unicodedata.normalize("NFKD", printable)
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    plain = _SPACES.sub(" ", _NOT_QUOTABLE.sub("_", plain))
    header = f'{disposition}; filename="{plain}"'
    if plain == printable:
        return header
    return f"{header}; filename*=UTF-8''{quote(printable, safe=_UNRESERVED)}"


def is_page(media_type: str) -> bool:
    """Whether a browser may run what is in such a file. It must then come with a policy that forbids it."""
    return _PAGES.fullmatch(_essence(media_type)) is not None


def disposition_elsewhere(media_type: str) -> Disposition:
    """What a browser is to do with such a file where it comes without the API's headers: only what it surely
    shows as data, and never guesses to be a page, is shown."""
    return Disposition.INLINE if _SHOWN.fullmatch(_essence(media_type)) else Disposition.ATTACHMENT


def is_the_same_elsewhere(media_type: str, disposition: Disposition) -> bool:
    """Whether a browser does there what it is asked to do. It saves by itself what it can neither show nor
    run."""
    if disposition is Disposition.ATTACHMENT:
        return disposition_elsewhere(media_type) is disposition
    return not is_page(media_type)


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
