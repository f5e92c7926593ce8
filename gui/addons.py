"""Which add-ons there are for the chosen model, and what choosing one means for the dock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from core.abilities import AddonKind, ModelAbilities
from core.addon import Addon
from core.errors import KnownError
from gui.background import Background
from gui.choosing import choose_file
from gui.models import ModelController
from gui.panels.addons import AddonsSection, Key, Line, Switch
from gui.references import reference_picture
from gui.sampling import Sampling
from gui.widgets.finder import Choice

if TYPE_CHECKING:
    from core.addons import AddonFile
    from core.checkpoints import Checkpoint

HEADINGS = {
    AddonKind.LORA: "LoRA",
    AddonKind.EMBEDDING: "Words for the prompt",
    AddonKind.CONTROLNET: "ControlNet",
    AddonKind.IP_ADAPTER: "IP-Adapter: follow a picture",
    AddonKind.VAE: "VAE",
}
HINT = (
    "More are found in folders beside your models: “loras”, “embeddings”, “controlnet”, "
    "“ipadapter”, “vae”."
)
PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff *.avif)"
_SHOWN = (
    "addons", "clip_skip", "freeu", "references", "pag_scale", "refiner", "refiner_start",
)  # fmt: skip
_SCALES = {Switch.PAG: "pag_scale", Switch.REFINER: "refiner_start"}
_REFINER_TIP = (
    "From which part of the steps on this model goes on with the picture. Masks, and pictures made "
    "in two passes, do without it"
)
_PAG_TIP = (
    "Steer away from what the model draws with its attention blinded (perturbed-attention "
    "guidance): clearer shapes, at half as much time again"
)
_FAMILIES = {"sd1": "Stable Diffusion 1", "sd2": "Stable Diffusion 2", "sdxl": "SDXL"}


class AddonController(QObject):
    """Looks for add-ons in the background, and joins the section with the `Sampling`."""

    def __init__(
        self,
        section: AddonsSection,
        models: ModelController,
        sampling: Sampling,
        background: Background,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._section = section
        self._models = models
        self._sampling = sampling
        self._background = background
        self._abilities: ModelAbilities | None = None
        self._files: list[AddonFile] = []
        section.added.connect(self._on_added)
        section.removed.connect(self._on_removed)
        section.valued.connect(self._on_valued)
        section.picture_asked.connect(self._on_picture_asked)
        section.picture_given.connect(self._on_picture_given)
        sampling.changed.connect(self._on_changed)
        models.chosen.connect(self._on_model_chosen)
        models.found.connect(self._on_models_found)

    def look(self) -> None:
        """Look through the folders of models, and beside them."""
        self._background.start(self._look())

    async def _look(self) -> None:
        self._files = await self._background.run(_files_in, list(self._models.folders))
        self._show()

    @Slot(list, str)
    def _on_models_found(self, names: list[str], name: str) -> None:
        self.look()

    @Slot(object)
    def _on_model_chosen(self, checkpoint: Checkpoint) -> None:
        self._abilities = checkpoint.abilities
        self._show()

    @Slot(str)
    def _on_changed(self, name: str) -> None:
        if name in _SHOWN:
            self._show()

    # --- what the section says ---------------------------------------------------------------

    @Slot(object)
    def _on_added(self, key: Key) -> None:
        kind, name = key
        sampling, abilities = self._sampling, self._abilities
        if kind is Switch.CLIP_SKIP:
            sampling.clip_skip = 2
        elif kind is Switch.FREEU:
            sampling.freeu = None if abilities is None else abilities.freeu
        elif kind is Switch.REFINER:
            sampling.refiner = name
        elif kind is Switch.PAG:
            sampling.pag_scale = 0.0 if abilities is None else abilities.pag_scale
        elif kind is AddonKind.EMBEDDING:
            prompt = sampling.prompt.rstrip().rstrip(",")
            sampling.prompt = f"{prompt}, {name}" if prompt else name
        else:
            others = sampling.addons
            if kind is AddonKind.VAE:  # one at a time
                others = tuple(addon for addon in others if addon.kind is not kind)
            sampling.addons = (*others, Addon(AddonKind(kind), name))
            if kind is AddonKind.IP_ADAPTER and name not in sampling.references:
                self._on_picture_asked(key)  # without one it is of no use

    @Slot(object)
    def _on_removed(self, key: Key) -> None:
        if key[0] is Switch.CLIP_SKIP:
            self._sampling.clip_skip = 1
        elif key[0] is Switch.FREEU:
            self._sampling.freeu = None
        elif key[0] is Switch.PAG:
            self._sampling.pag_scale = 0.0
        elif key[0] is Switch.REFINER:
            self._sampling.refiner = ""
        else:
            left = (addon for addon in self._sampling.addons if _key(addon) != key)
            self._sampling.addons = tuple(left)

    @Slot(object, float)
    def _on_valued(self, key: Key, value: float) -> None:
        if key[0] is Switch.CLIP_SKIP:
            self._sampling.clip_skip = int(value)
            return
        if key[0] in _SCALES:
            setattr(self._sampling, _SCALES[key[0]], value)
            return
        self._sampling.addons = tuple(
            replace(addon, weight=value) if _key(addon) == key else addon
            for addon in self._sampling.addons
        )

    @Slot(object)
    def _on_picture_asked(self, key: Key) -> None:
        title = f"A picture for {key[1]} to follow"
        choose_file(self._section, title, PICTURES, lambda file: self._on_picture_given(key, file))

    @Slot(object, str)
    def _on_picture_given(self, key: Key, file: str) -> None:
        self._sampling.references = {**self._sampling.references, key[1]: file}
        self._background.start(self._read_ahead(file))

    async def _read_ahead(self, file: str) -> None:
        """Large pictures take a while, which Generate shall not; what is wrong is said there."""
        with suppress(KnownError):
            await self._background.run(reference_picture, file)

    # --- what the section shows --------------------------------------------------------------

    def _show(self) -> None:
        abilities = self._abilities
        if abilities is None:
            return
        unfit = {_key_of(file): file for file in self._files if not file.fits(abilities)}
        self._sampling.unfit_addons = frozenset((f.kind, f.name) for f in unfit.values())
        self._section.show_lines(list(self._lines(abilities, unfit)))
        takes_files = bool(abilities.addons)
        self._section.offer(list(self._choices(abilities)), HINT if takes_files else "")

    def _choices(self, abilities: ModelAbilities) -> Iterator[Choice]:
        """What can be added now: files that fit and are not on, then the switches."""
        on = {_key(addon) for addon in self._sampling.addons}
        for kind in HEADINGS:
            for file in self._files:
                key = _key_of(file)
                if file.kind is kind and file.fits(abilities) and key not in on:
                    yield Choice(HEADINGS[kind], file.name, _tip(file), key)
        if abilities.most_clip_skip > 1 and self._sampling.clip_skip == 1:
            yield _switch(Switch.CLIP_SKIP, "Let an earlier layer of the text encoder speak")
        if abilities.freeu is not None and self._sampling.freeu is None:
            yield _switch(Switch.FREEU, "Weigh what the U-Net's halves say (FreeU)")
        if abilities.pag_scale and not self._sampling.pag_scale:
            yield _switch(Switch.PAG, _PAG_TIP)
        for name, model in self._models.models.items():
            if model.abilities.family == abilities.refined_by and name != self._sampling.refiner:
                yield Choice("Refiner", name, _REFINER_TIP, (Switch.REFINER, name))

    def _lines(self, abilities: ModelAbilities, unfit: Mapping[Key, AddonFile]) -> Iterator[Line]:
        known = {_key_of(file): file for file in self._files}
        for addon in self._sampling.addons:
            key, file = _key(addon), known.get(_key(addon))
            used = addon.kind in abilities.addons and key not in unfit
            tip = addon.name if file is None else _tip(file)
            if not used:
                tip = f"Not used: made for another model. {tip}"
            weight = None if addon.kind is AddonKind.VAE else addon.weight
            least = -2.0 if addon.kind is AddonKind.LORA else 0.0
            note = HEADINGS[addon.kind] if weight is None else ""
            picture = None
            if addon.kind is AddonKind.IP_ADAPTER:
                picture = self._sampling.references.get(addon.name, "")
            line = Line(key, addon.name, tip, weight, least, used=used, note=note)
            yield line._replace(picture=picture)
        most = abilities.most_clip_skip
        if self._sampling.clip_skip > 1:
            tip = "Which layer of the text encoder speaks; 1 is the last"
            value = float(self._sampling.clip_skip)
            yield Line(
                (Switch.CLIP_SKIP, ""), "Clip skip", tip, value, 1.0, float(most), 1.0, most > 1
            )
        if self._sampling.freeu is not None:
            tip = ", ".join(f"{n} {v:g}" for n, v in self._sampling.freeu._asdict().items())
            used = abilities.freeu is not None
            yield Line((Switch.FREEU, ""), "FreeU", tip, used=used)
        if self._sampling.pag_scale:
            scale, used = self._sampling.pag_scale, bool(abilities.pag_scale)
            yield Line((Switch.PAG, ""), "PAG", _PAG_TIP, scale, 0.1, 10.0, 0.1, used)
        if name := self._sampling.refiner:
            start, used = self._sampling.refiner_start, bool(abilities.refined_by)
            key, shown = (Switch.REFINER, name), f"Refiner: {name}"
            yield Line(key, shown, _REFINER_TIP, start, 0.05, 0.95, 0.05, used)


def addons_of(request: Mapping[str, Any], inputs: Path = Path()) -> dict[str, Any]:
    """What a gallery record says of add-ons, for `Sampling.restore`; nothing on is said too.

    A ControlNet comes back with its weight; what it follows is the canvas. An IP-Adapter comes
    back with the picture it read.

    Args:
        inputs: Where the gallery keeps what its pictures were made from.
    """
    references = _entries(request, "references")
    led = [
        {"kind": kind, "name": entry.get("name"), "weight": entry.get("weight", 1.0)}
        for kind, entries in (
            (AddonKind.CONTROLNET, _entries(request, "controls")),
            (AddonKind.IP_ADAPTER, references),
        )
        for entry in entries
    ]
    return {
        "addons": [*request.get("addons", ()), *led],
        "clip_skip": request.get("clip_skip", 1),
        "freeu": request.get("freeu"),
        "pag_scale": request.get("pag_scale", 0.0),
        "refiner": _refiner(request).get("checkpoint", ""),
        "refiner_start": _refiner(request).get("start", 0.8),
        "references": {e.get("name"): str(inputs / f"{e.get('image')}.png") for e in references},
    }


def _refiner(request: Mapping[str, Any]) -> dict[str, Any]:
    found = request.get("refinement")
    return found if isinstance(found, dict) else {}


def _entries(request: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [entry for entry in request.get(name, ()) if isinstance(entry, dict)]


def _files_in(folders: list[Path]) -> list[AddonFile]:
    """In the background's thread."""
    from core.addons import AddonShelf

    return AddonShelf(folders).files()


def _key(addon: Addon) -> Key:
    return addon.kind, addon.name


def _key_of(file: AddonFile) -> Key:
    return file.kind, file.name


def _switch(switch: Switch, tip: str) -> Choice:
    return Choice("Without a file", switch.value, tip, (switch, ""))


def _tip(file: AddonFile) -> str:
    """What it is, for whom, and where it lies."""
    family = _FAMILIES.get(file.family, "")
    follows = ""
    if file.kind is AddonKind.CONTROLNET:
        edges = "canny" in file.name.lower()
        follows = "follows the edges of the canvas" if edges else "follows what the canvas shows"
    facts = [fact for fact in (HEADINGS[file.kind], file.title, family, follows) if fact]
    return f"{', '.join(facts)}\n{file.path}"
