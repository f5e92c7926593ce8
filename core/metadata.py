"""What a picture file says about itself: infotext that others read, and our lossless record.

The infotext grammar is that of AUTOMATIC1111 and Forge (modules/infotext_utils.py): prompt, a
line ``Negative prompt: …``, and as the last line ``key: value`` pairs beginning with ``Steps``.
It loses what the grammar cannot say; the record, JSON with a ``schema`` number, loses nothing.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from PIL import Image, PngImagePlugin

from core.abilities import GenerationKind, InpaintArea, MaskedContent
from core.infotext_addons import addon_fields, lora_tags
from core.logs import logger
from core.request import GenerationRequest
from core.result import GenerationResult

VERSION = "0.1.0"
SOFTWARE = f"Sfumato {VERSION}"
SCHEMA = 1
NAMESPACE = "https://sfumato.invalid/ns/1.0/"
_AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP_KEY = "XML:com.adobe.xmp"
_JPEG_SEGMENT = 65_000  # bytes that fit into one APP1 segment, with room for its header
_MOST_RECORD = 8_000_000
_SCHEDULES = ("Karras", "Exponential", "SGM Uniform", "Beta", "Simple")
# What A1111 means by "Automatic" for samplers where it is not plain; and the one sampler that it
# calls by another name.
_AUTOMATIC = {
    "DPM++ 2M": "Karras",
    "DPM++ 2M SDE": "Exponential",
    "DPM++ 3M SDE": "Exponential",
    "DPM2": "Karras",
    "DPM2 a": "Karras",
}
_PLAIN = "Uniform"
_NUMBERS: Mapping[str, tuple[str, Callable[[str], float]]] = {
    "Steps": ("num_inference_steps", int),
    "CFG scale": ("guidance_scale", float),
    "Seed": ("seed", int),
    "Denoising strength": ("strength", float),
}
_SAMPLERS = {"PNDM": "PLMS"}
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_log = logger("metadata")


def infotext(
    request: GenerationRequest,
    facts: Mapping[str, Any],
    more: Iterable[tuple[str, object]] = (),
) -> str:
    """The request in the A1111 grammar, with `more` pairs at its end.

    Args:
        facts: Those of the result (``model_hash``).
    """
    fields = [*_fields(request, facts), *more]
    pairs = ", ".join(f"{key}: {_value(value)}" for key, value in fields)
    prompt = _harmless(" ".join([request.prompt, *lora_tags(request)]))
    return f"{prompt}\nNegative prompt: {_harmless(request.negative_prompt)}\n{pairs}"


def parse_infotext(text: str) -> dict[str, str]:
    """The infotext's parts: ``prompt``, ``negative_prompt``, and the pairs by their own names."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    pairs = _PAIR.findall(lines[-1])
    if len(pairs) < 3:
        lines, pairs = [*lines, ""], []
    prompt, negative = _split_prompts(lines[:-1])
    fields = {key: _unquoted(value) for key, value in pairs}
    return fields | {"prompt": prompt, "negative_prompt": negative}


def foreign_record(path: Path) -> dict[str, Any] | None:
    """What the infotext of another program says, as far as a record of ours would say it.

    Returns:
        ``{"request": …}`` with those fields that are there; None where there is no infotext.
    """
    found = parse_infotext(read_infotext(path) or "")
    if "Steps" not in found:
        return None
    request: dict[str, Any] = {
        "prompt": found["prompt"],
        "negative_prompt": found["negative_prompt"],
        "written_prompt": found.get("Template", ""),
        "written_negative_prompt": found.get("Negative Template", ""),
        "checkpoint": found.get("Model", ""),
        "scheduler": scheduler_named(found.get("Sampler", ""), found.get("Schedule type", "")),
    }
    for key, (name, number) in _NUMBERS.items():
        with suppress(ValueError):
            request[name] = number(found.get(key, ""))
    if size := re.fullmatch(r"(\d{1,5})x(\d{1,5})", found.get("Size", "")):
        request["size"] = [int(size[1]), int(size[2])]
    return {"request": request}


def record(result: GenerationResult, item_id: str, created: datetime) -> dict[str, Any]:
    """Everything about a result but its pixels, as JSON data; pixels appear as digests."""
    return {
        "schema": SCHEMA,
        "id": item_id,
        "software": SOFTWARE,
        "created": created.isoformat(),
        "request": result.request.to_dict(),
        "seconds": round(result.seconds, 3),
        "steps": result.steps,
        "changed_outside_mask": result.changed_outside_mask,
        "blanked": result.blanked,
        "facts": recorded_facts(result),
    }


def recorded_facts(result: GenerationResult) -> dict[str, Any]:
    """The facts of a result as a record has them: plain JSON data."""
    found: dict[str, Any] = json.loads(json.dumps(dict(result.facts), default=str))
    return found


def embedded(format_name: str, text: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for `core.images.write_image` that put both into the file.

    PNG: chunks ``parameters`` (first) and ``sfumato``. JPEG and WebP: EXIF UserComment and an
    attribute of the XMP packet. All three are marked as made by a trained model (IPTC).
    """
    lossless = dump_record(record)
    if format_name == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text("parameters", text)
        chunks.add_itxt("sfumato", lossless)
        chunks.add_itxt(_XMP_KEY, xmp_packet())
        return {"pnginfo": chunks}
    options = {"exif": user_comment_exif(text), "xmp": xmp_packet(lossless).encode()}
    return _fitting(options) if format_name == "JPEG" else options


def read_record(path: Path) -> dict[str, Any] | None:
    """Our own record of a picture file; None where there is none that can be read."""
    info = _read_info(path)
    text = info.get("sfumato") or _record_in_xmp(info.get("xmp") or info.get(_XMP_KEY))
    if not isinstance(text, str) or len(text) > _MOST_RECORD:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("request"), dict) else None


def read_infotext(path: Path) -> str | None:
    """The A1111 infotext of a picture file, whoever wrote it; None where there is none."""
    info = _read_info(path)
    text = info.get("parameters")
    if isinstance(text, str):
        return text
    comment = info.get("user comment")
    return _decoded_comment(comment) if isinstance(comment, bytes) else None


def dump_record(record: Mapping[str, Any]) -> str:
    """The record as JSON in ASCII, so that no prompt, however odd, can fail to be written."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))


def user_comment_exif(text: str) -> bytes:
    """An EXIF block of one UserComment (0x9286) of type UNDEFINED, big-endian UTF-16.

    Written by hand because Pillow gives the tag a type that piexif, and with it A1111, misreads.
    """
    comment = b"UNICODE\0" + text.encode("utf-16-be", "replace")
    header = b"MM\0*" + struct.pack(">I", 8)
    first = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    exif = struct.pack(">HHHIII", 1, 0x9286, 7, len(comment), 44, 0)
    return b"Exif\0\0" + header + first + exif + comment


def xmp_packet(lossless: str | None = None) -> str:
    """An XMP packet that marks the picture as AI-made and, when given, carries our record."""
    own = ""
    if lossless is not None:
        own = f' xmlns:sfumato="{NAMESPACE}" sfumato:record={quoteattr(lossless)}'
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about=""'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' xmp:CreatorTool="{SOFTWARE}" Iptc4xmpExt:DigitalSourceType="{_AI_MADE}"{own}/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def _fields(request: GenerationRequest, facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    sampler, schedule = _sampler(request.scheduler)
    size = request.first_pass_size or request.size  # of the first pass, as A1111 has it
    fields: list[tuple[str, object]] = [
        ("Steps", request.num_inference_steps),
        ("Sampler", sampler),
        ("Schedule type", schedule),
        ("CFG scale", f"{request.guidance_scale:g}"),
        ("Seed", request.seed),
        ("Size", f"{size.width}x{size.height}"),
    ]
    if facts.get("model_hash"):
        fields.append(("Model hash", facts["model_hash"]))
    fields.append(("Model", request.checkpoint))
    more = (*_image_fields(request), *addon_fields(request, facts), *_own_fields(request))
    return [*fields, *more, ("Version", SOFTWARE)]


def _own_fields(request: GenerationRequest) -> list[tuple[str, object]]:
    """What was written before alternatives were drawn, as sd-dynamic-prompts has it."""
    written = (
        ("Template", request.written_prompt),
        ("Negative Template", request.written_negative_prompt),
    )
    own: list[tuple[str, object]] = [(key, value) for key, value in written if value]
    if request.together:
        place = request.together.index(request.seed) if request.seed in request.together else 0
        own += [("Batch size", len(request.together)), ("Batch pos", place)]
    if request.branch is not None:
        own += [("Branch of", request.branch.parent.id), ("Branch step", request.branch.step)]
    return own


def _image_fields(request: GenerationRequest) -> list[tuple[str, object]]:
    """Readers tell the kinds apart by these: strength alone, or strength and mask words."""
    if request.kind is GenerationKind.TEXT_TO_IMAGE:
        return _hires_fields(request)
    strength: list[tuple[str, object]] = [("Denoising strength", f"{request.strength:g}")]
    if request.kind is GenerationKind.IMAGE_TO_IMAGE:
        return strength + _tile_fields(request)
    area: list[tuple[str, object]] = [("Inpaint area", "Whole picture")]
    if request.inpaint_area is InpaintArea.ONLY_MASKED:
        area = [("Inpaint area", "Only masked"), ("Masked area padding", request.area_padding)]
    noise = request.masked_content is MaskedContent.NOISE
    content = "latent noise" if noise else str(request.masked_content)
    return [
        *strength,
        ("Mask blur", request.mask_feather),
        *area,
        ("Masked content", content),
    ]


def _tile_fields(request: GenerationRequest) -> list[tuple[str, object]]:
    """As A1111's script "SD upscale" has it."""
    if not request.tile_overlap:
        return []
    return [("SD upscale overlap", request.tile_overlap), ("SD upscale upscaler", "Lanczos")]


def _hires_fields(request: GenerationRequest) -> list[tuple[str, object]]:
    first, last = request.first_pass_size, request.size
    if first is None:
        return []
    return [
        ("Denoising strength", f"{request.hires_strength:g}"),
        ("Hires upscale", f"{last.width / first.width:.4g}"),
        ("Hires resize", f"{last.width}x{last.height}"),
        ("Hires steps", request.hires_steps),
        ("Hires upscaler", "Lanczos"),
    ]


def _sampler(scheduler: str) -> tuple[str, str]:
    """A1111's two words for our one: ``DPM++ 2M Karras`` is DPM++ 2M with schedule Karras."""
    for schedule in _SCHEDULES:
        if scheduler.endswith(f" {schedule}"):
            return scheduler.removesuffix(f" {schedule}"), schedule
    return _SAMPLERS.get(scheduler, scheduler), _PLAIN if scheduler in _AUTOMATIC else "Automatic"


def scheduler_named(sampler: str, schedule: str = "") -> str:
    """The other way: our one name for A1111's two, whether or not it is one we have."""
    if schedule == "Automatic":
        schedule = _AUTOMATIC.get(sampler, "")
    ours = {theirs: ours for ours, theirs in _SAMPLERS.items()}.get(sampler, sampler)
    return f"{ours} {schedule}" if schedule in _SCHEDULES else ours


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[,:\n]", text) else text


def _unquoted(value: str) -> str:
    try:
        return str(json.loads(value)) if value.startswith('"') else value.strip()
    except ValueError:
        return value


def _harmless(prompt: str) -> str:
    """One line ending; no NUL; words that readers take for the grammar get a blank inside."""
    text = prompt.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
    text = text.encode("utf-8", "replace").decode()
    text = text.replace("Negative prompt:", "Negative prompt :")
    return re.sub(r"^(\s*)Steps:", r"\1Steps :", text, flags=re.MULTILINE)


def _split_prompts(lines: list[str]) -> tuple[str, str]:
    for number, line in enumerate(lines):
        if line.strip().startswith("Negative prompt:"):
            first = line.strip().removeprefix("Negative prompt:").strip()
            negative = "\n".join([first, *lines[number + 1 :]]).strip()
            return "\n".join(lines[:number]).strip(), negative
    return "\n".join(lines).strip(), ""


def _fitting(options: dict[str, Any]) -> dict[str, Any]:
    """A JPEG segment holds 64 kB: what does not fit is left out, and said in the log."""
    for name in [name for name, content in options.items() if len(content) > _JPEG_SEGMENT]:
        _log.info("the %s block of a JPEG is too long (%d bytes)", name, len(options[name]))
        options[name] = xmp_packet().encode() if name == "xmp" else b""
    return options


def _read_info(path: Path) -> dict[str, Any]:
    """Text chunks, XMP and the user comment of a file; empty for what is not a picture."""
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as picture:
            info = {str(name): value for name, value in picture.info.items()}
            if isinstance(picture, PngImagePlugin.PngImageFile) and "parameters" not in info:
                info |= picture.text  # some programs write their chunks behind the pixels
            if "exif" in info:
                info["user comment"] = picture.getexif().get_ifd(0x8769).get(0x9286)
            return info
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error) as error:
        _log.info("no metadata read: %s", type(error).__name__)
        return {}


def _record_in_xmp(packet: object) -> str | None:
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or NAMESPACE.encode() not in packet or b"<!" in packet:
        return None
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \n"))
    except ElementTree.ParseError:
        return None
    found = (element.get(f"{{{NAMESPACE}}}record") for element in root.iter())
    return next((text for text in found if text is not None), None)


def _decoded_comment(comment: bytes) -> str | None:
    """EXIF UserComment by its eight-byte character code."""
    code, text = comment[:8], comment[8:]
    if code == b"UNICODE\0":
        little = text[1:2] == b"\0" and text[:1] != b"\0"
        return text.decode("utf-16-le" if little else "utf-16-be", "replace")
    if code == b"ASCII\0\0\0":
        return text.decode("ascii", "replace")
    return None
