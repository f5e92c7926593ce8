"""Fetch openly licensed emoji drawings from the npm registry, check their licences, render them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.starter_model.nouns import VOCABULARY
from tools.starter_model.workplace import Workplace, replacing

DRAWING_SIDE = 256
"""Pixels of a rendered drawing's side."""


@dataclass(frozen=True)
class Package:
    """A package in the npm registry: its pinned version, and the licence it must declare."""

    name: str
    version: str
    licence: str


DRAWING_SETS = {
    "noto": Package("@iconify-json/noto", "1.2.9", "Apache-2.0"),
    "fluent": Package("@iconify-json/fluent-emoji", "1.2.7", "MIT"),
    "fluent-flat": Package("@iconify-json/fluent-emoji-flat", "1.2.6", "MIT"),
    "twemoji": Package("@iconify-json/twemoji", "1.2.5", "CC-BY-4.0"),
}
"""All of them teach the autoencoder. The U-Net learns `CAPTIONED_SET` alone."""

CAPTIONED_SET = "noto"


def run(work: Workplace) -> None:
    """Fetch what is not there yet and render it; a finished set is not rendered again."""
    for set_name, package in DRAWING_SETS.items():
        if not _array(work, set_name).exists():
            _fetch(work, package)
            _check_licence(work, package)
            _render_set(work, set_name, package)


def load_drawings(work: Workplace, set_name: str) -> dict[str, np.ndarray]:
    """Give the drawings of a set by slug, each uint8 [256, 256, 4] with straight alpha."""
    array = np.load(_array(work, set_name), mmap_mode="r")
    slugs = json.loads(_slugs(work, set_name).read_text("utf-8"))
    return dict(zip(slugs, array, strict=True))


def _array(work: Workplace, set_name: str) -> Path:
    return work.drawings / f"{set_name}.npy"


def _slugs(work: Workplace, set_name: str) -> Path:
    return work.drawings / f"{set_name}.json"


def _fetch(work: Workplace, package: Package) -> None:
    work.packages.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm was not found; install Node.js, which brings it")
    wanted = f"{package.name}@{package.version}"
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", wanted]
    subprocess.run([*command, "--prefix", str(work.packages)], check=True)


def _folder(work: Workplace, package: Package) -> Path:
    return work.packages / "node_modules" / package.name


def _check_licence(work: Workplace, package: Package) -> None:
    """Stop when the package declares another version or licence than the one relied on."""
    said = json.loads((_folder(work, package) / "package.json").read_text("utf-8"))
    if (said["version"], said["license"]) != (package.version, package.licence):
        raise SystemExit(
            f"{package.name} is {said['version']} under {said['license']}; "
            f"expected {package.version} under {package.licence}"
        )


def _render_set(work: Workplace, set_name: str, package: Package) -> None:
    icons = json.loads((_folder(work, package) / "icons.json").read_text("utf-8"))
    slugs = _wanted_slugs(icons, work.smoke)
    pictures = [render(icons, slug) for slug in slugs]
    work.drawings.mkdir(parents=True, exist_ok=True)
    _slugs(work, set_name).write_text(json.dumps(slugs), "utf-8")
    with replacing(_array(work, set_name)) as temporary:
        np.save(temporary, np.stack(pictures))
    work.note("dataset", set=set_name, drawings=len(slugs))


def _wanted_slugs(icons: dict[str, Any], smoke: bool) -> list[str]:
    """Name the drawings worth rendering: no skin-tone variants, no flags but the nouns' own."""
    if smoke:
        wanted = {noun.slug for noun in VOCABULARY}
        return [slug for slug in icons["icons"] if slug in wanted]
    unwanted = ("skin-tone", "flag-", "keycap", "-button", "-arrow")
    return [slug for slug in icons["icons"] if not any(part in slug for part in unwanted)]


def render(icons: dict[str, Any], slug: str) -> np.ndarray:
    """Draw one icon of an Iconify collection.

    Args:
        icons: the collection, as in Iconify's `icons.json`.
        slug: the icon's name in it.

    Returns:
        uint8 [256, 256, 4], straight alpha.
    """
    import resvg_py

    svg = _svg(icons, icons["icons"][slug])
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=DRAWING_SIDE, height=DRAWING_SIDE))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    return np.asarray(picture.resize((DRAWING_SIDE, DRAWING_SIDE)))


def _svg(icons: dict[str, Any], icon: dict[str, Any]) -> str:
    """Wrap an icon's body; a size it does not name is the collection's, by default 16."""
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    side = f'width="{DRAWING_SIDE}" height="{DRAWING_SIDE}"'
    return f'<svg {spaces} viewBox="{box}" {side}>{icon["body"]}</svg>'
