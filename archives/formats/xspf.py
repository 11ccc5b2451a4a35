"""XSPF, the XML Shareable Playlist Format, version 1 (https://xspf.org/spec).

Everything is as in JSPF, which is the same in JSON; what the standard elements can't hold (texts
with characters that XML 1.0 lacks among it) stands as JSON in an extension of ours.

Files are read without entities, DTDs or anything external: one that has a DOCTYPE is refused.
"""

import io
import json
import re
from typing import Any, BinaryIO

from lxml import etree

from archives.formats import jspf
from archives.formats.json_documents import parse
from archives.formats.playlist import Playlist, Reading
from archives.formats.source import Source

NAMESPACE = "http://xspf.org/ns/0/"
NESTING_LIMIT = 64

# In the order of the specification, which some players rely on.
PLAYLIST_MEMBERS = ("title", "creator", "annotation", "identifier", "date")
TRACK_MEMBERS = ("location", "identifier", "title", "creator", "album", "duration")
_LISTS = ("location", "identifier")
_PAIRS = {"link": "rel", "meta": "rel"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def playlist(source: Source, reading: Reading) -> Playlist:
    return jspf.playlist({"playlist": _members(_root(source), source, reading)}, reading)


def _root(source: Source) -> Any:
    depth = 0
    events = etree.iterparse(
        io.BytesIO(source.whole()),
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, element in events:
            if event == "end":
                depth -= 1
                continue
            if depth == 0 and element.getroottree().docinfo.doctype:
                raise source.error("has a DOCTYPE, which a playlist has no need of")
            depth += 1
            if depth > NESTING_LIMIT:
                raise source.error(f"nests elements more than {NESTING_LIMIT} deep")
    except etree.XMLSyntaxError as error:
        reason = (error.msg or "broken").split("\n")[0]
        raise source.error(f"is no valid XML ({reason})") from error
    root = events.root
    if _name(root) != "playlist":
        raise source.error(f"is no XSPF: its root is <{_name(root)}>, not <playlist>")
    return root


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _members(element: Any, source: Source, reading: Reading) -> dict[str, Any]:
    """The members that JSPF has for an element's children."""
    members: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        text = child.text or ""
        if name == "trackList":
            members["track"] = [
                _members(track, source, reading) for track in child if _name(track) == "track"
            ]
        elif name == "extension":
            application = child.get("application") or ""
            members.setdefault(name, {}).setdefault(application, []).append(
                _extension(child, application)
            )
        elif name in _PAIRS:
            members.setdefault(name, []).append({child.get("rel") or "": text})
        elif name == "attribution":
            members[name] = [{_name(item): (item.text or "").strip()} for item in child]
        elif name in _LISTS and _name(element) == "track":
            members.setdefault(name, []).append(text.strip())
        else:
            members.setdefault(name, text.strip() if name in ("duration", "trackNum") else text)
    return members


def _extension(element: Any, application: str) -> Any:
    if application == jspf.EXTENSION and len(element) == 1:
        return parse(element[0].text or "").value
    inside = [etree.tostring(child, encoding="unicode", with_tail=False) for child in element]
    return "".join([element.text or "", *inside]).strip()


def write(one: Playlist, stream: BinaryIO) -> None:
    members = jspf.document(one, holds=_holds)["playlist"]
    root = etree.Element(etree.QName(NAMESPACE, "playlist"), {"version": "1"}, {None: NAMESPACE})
    _append(root, members, PLAYLIST_MEMBERS)
    listed = etree.SubElement(root, etree.QName(NAMESPACE, "trackList"))
    for track in members["track"]:
        _append(etree.SubElement(listed, etree.QName(NAMESPACE, "track")), track, TRACK_MEMBERS)
    stream.write(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _holds(text: str) -> bool:
    return bool(text) and _NOT_XML.search(text) is None


def _append(element: Any, members: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        value = members.get(name, [])
        for item in value if isinstance(value, list) else [value]:
            etree.SubElement(element, etree.QName(NAMESPACE, name)).text = str(item)
    for ours in members.get("extension", {}).get(jspf.EXTENSION, []):
        extension = etree.SubElement(
            element, etree.QName(NAMESPACE, "extension"), {"application": jspf.EXTENSION}
        )
        held = etree.SubElement(
            extension, etree.QName(jspf.EXTENSION, "json"), nsmap={None: jspf.EXTENSION}
        )
        held.text = _json(ours)


def _json(value: Any) -> str:
    """As JSON in which what XML lacks is escaped, and no more: a parser takes 10 MB of text."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
