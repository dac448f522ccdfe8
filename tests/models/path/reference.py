"""The normal form of `models.path.featuriser`, slowly: regular expressions, a text at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from models.path.spellings import HIVES, LOCAL, NOBODY, PROFILES, ROAMING, variables_as_written

GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SID = r"s-1-[0-9]+(?:-[0-9]+)*"
WORD_END = r"(?=\\|\Z)"
UNSEEN = "\xad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"


FOLDERS = {
    **{old: (new, "") for old, new in ROAMING.items()},
    **{old: (new, "old") for old, new in LOCAL.items()},
    "my documents": ("documents", ""),
}


class Code(NamedTuple):
    character: str
    origin: int


def code_of(character: str) -> str:
    """The table of `models.path.alphabet`."""
    if re.match(f"[{UNSEEN}]", character):
        return "Q"
    if re.match("[\x00-\x1f\x7f]", character):
        return "\x01"
    small = character.lower()[0]
    if small == "/":
        return "\\"
    return small if small.isascii() else chr(2 + (ord(small) >> 7) % 30)


def guid_class(guid: str) -> str:
    if guid.endswith("-c000-000000000046"):
        return "T"
    if not re.match(".{14}[1-8].{4}[89ab]", guid):
        return "B"
    return {"4": "G", "1": "T", "2": "T"}.get(guid[14], "W")


def is_long(sid: str) -> bool:
    return bool(re.fullmatch(r"s-1-[0-9]+(-21(-[0-9]+)+|(-[0-9]+){4,})", sid))


def hex_class(run: str) -> str:
    return "H" if len(run) < 16 else "I" if len(run) < 32 else "J" if len(run) < 64 else "L"


def put_at(origin: int, characters: str) -> list[Code]:
    return [Code(character, origin) for character in characters]


IDENTIFIERS = re.compile(
    rf"""
    (?P<braced>\{{{GUID}\}})
    | (?P<guid>(?<![0-9a-f]){GUID}(?![0-9a-f]))
    | (?P<sid>(?<![0-9a-z]){SID})
    | (?P<hex>(?:(?<![0-9a-z])|(?<=7zo))(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{{8,}}(?![0-9a-z]))
    | (?P<number>(?<![0-9])[0-9]{{4,}})
    | (?P<digit>[0-9])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def class_of(kind: str, found: str) -> str:
    if kind in ("braced", "guid"):
        return guid_class(found.strip("{}"))
    if kind == "hex":
        return hex_class(found)
    return {"sid": "S", "number": "Z", "digit": "0"}.get(kind, found)


def component_codes(component: str, begin: int) -> Iterator[Code]:
    for match in IDENTIFIERS.finditer(component):
        found, at = match[0], begin + match.start()
        if match.lastgroup == "sid" and not is_long(found):
            yield from (Code(character, at + place) for place, character in enumerate(found))
        else:
            yield Code(class_of(str(match.lastgroup), found), at)


MARK = r"\\+(?:\?|\?\?|\.|global\?\?)\\+"
BEFORE_HIVE = r"(?:computer\\+)?(?:microsoft\.powershell\.core\\+)?(?:registry::)?"
ROOTS = [
    (rf"\\+registry\\+machine{WORD_END}", "M"),
    (rf"\\+registry\\+a{WORD_END}", "A"),
    (rf"\\+systemroot{WORD_END}", "D\\windows"),
    (rf"{MARK}[a-z]:{WORD_END}", "D"),
    (rf"{MARK}volume\{{{GUID}\}}{WORD_END}", "D"),
    (rf"{MARK}unc\\+", "N"),
    (MARK, "P"),
    (rf"\\+device\\+harddiskvolume[0-9]+{WORD_END}", "D"),
    (r"\\+device\\+mup\\+", "N"),
    (r"\\{2,}", "N"),
    (r"[a-z]:", "D"),
    *(
        (re.escape(spelling) + WORD_END, folder)
        for spelling, folder in variables_as_written().items()
    ),
]


def users_hive(text: str) -> tuple[list[Code], int] | None:
    name = re.match(rf"(?:\\+registry\\+user|({BEFORE_HIVE})(?:hku|hkey_users):?){WORD_END}", text)
    if not name:
        return None
    begin = len(name[1] or "")
    sid = re.compile(rf"\\+({SID})(_classes)?{WORD_END}").match(text, name.end())
    if not sid or not is_long(sid[1]):
        return put_at(begin, "K"), name.end()
    classes = put_at(sid.start(2), "\\software\\classes") if sid[2] else []
    return put_at(begin, "C") + classes, sid.end()


def root_codes(text: str) -> tuple[list[Code], int]:
    if of_users := users_hive(text):
        return of_users
    names = "|".join(HIVES)
    if hive := re.match(f"({BEFORE_HIVE})({names}):?{WORD_END}", text):
        return put_at(len(hive[1]), HIVES[hive[2]]), hive.end()
    for pattern, codes in ROOTS:
        if match := re.match(pattern, text):
            return put_at(0, codes), match.end()
    return [], 0


def replacement(component: str, before: str, root: str) -> tuple[str, str] | None:
    """What a component as a whole becomes, and what the next one stands behind."""
    if before == "users":
        return NOBODY.get(component, "U"), "user"
    if before == "user" and component in FOLDERS:
        return FOLDERS[component]
    if (before in ("start", "drive") or root in ("N", "P")) and component in PROFILES:
        return PROFILES[component], "users"
    if re.fullmatch("[a-z]:", component):
        return "D", "drive"
    if re.fullmatch("currentcontrolset|controlset[0-9]{3}", component):
        return "Y", ""
    return None


def reference(text: str) -> list[Code]:
    """All codes of the normal form of a text."""
    coded = "".join(map(code_of, text)).rstrip("\\")
    codes, end = root_codes(coded)
    root = codes[0].character if codes else ""
    rest = coded[end:]
    if root and root in "MCKRFA":
        rest = re.sub(r"\\\(default\)\Z", "", rest).rstrip("\\")
    before = {"": "start", "D": "drive", "U": "user"}.get(codes[-1].character if codes else "", "")
    for match in re.finditer(r"\\+|[^\\]+", rest):
        component, at = match[0], end + match.start()
        if component.startswith("\\"):
            codes.append(Code("\\", at))
        elif before == "users" and component == "all users":
            codes[-len("users\\") :] = put_at(at, "programdata")
            before = "old"
        elif before == "old" and component in ROAMING:
            codes.pop()
            before = ""
        elif replaced := replacement(component, before, root):
            codes += put_at(at, replaced[0])
            before = replaced[1]
        else:
            codes += component_codes(component, at)
            before = ""
    return codes
