"""Which add-ons there are for the chosen model, and what choosing one means for the dock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from core.abilities import AddonKind, ModelAbilities
from core.addon import MOST_REFERENCES, Addon
from core.errors import KnownError
from gui.background import Background
from gui.choosing import choose_files
from gui.leads import Lead, lead_of
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
FOLLOWS_CANVAS = "Follows the canvas"
_SHOWN = (
    "leads", "addons", "clip_skip", "freeu", "references", "pag_scale", "refiner", "refiner_start",
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
_FAMILIES = {
    "sd1": "Stable Diffusion 1",
    "sd2": "Stable Diffusion 2",
    "sdxl": "SDXL",
    "sd3": "Stable Diffusion 3",
    "flux": "Flux",
}


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
        section.pictures_asked.connect(self._on_pictures_asked)
        section.pictures_given.connect(self._on_pictures_given)
        section.edges_chosen.connect(self._on_edges_chosen)
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
                self._on_pictures_asked(key, 0)  # without one it is of no use

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

    @Slot(object, int)
    def _on_pictures_asked(self, key: Key, place: int) -> None:
        choose_files(
            self._section,
            f"Pictures for {key[1]} to follow",
            PICTURES,
            lambda files: self._on_pictures_chosen(key, place, files),
        )

    def _on_pictures_chosen(self, key: Key, place: int, files: list[str]) -> None:
        had = list(self._pictures_of(key))
        self._on_pictures_given(key, [*had[:place], *files, *had[place + 1 :]])

    @Slot(object, list)
    def _on_pictures_given(self, key: Key, files: list[str]) -> None:
        kind, name = key
        chosen = tuple(dict.fromkeys(files))[:MOST_REFERENCES]
        if kind is AddonKind.CONTROLNET:
            lead = lead_of(name, self._sampling.leads)
            self._follow(name, lead._replace(picture=chosen[0] if chosen else ""))
        else:
            self._sampling.references = {**self._sampling.references, name: chosen}
        self._background.start(self._read_ahead(chosen))

    @Slot(object, bool)
    def _on_edges_chosen(self, key: Key, on: bool) -> None:
        self._follow(key[1], lead_of(key[1], self._sampling.leads)._replace(edges=on))

    def _follow(self, name: str, lead: Lead) -> None:
        self._sampling.leads = {**self._sampling.leads, name: lead}

    def _pictures_of(self, key: Key) -> tuple[str, ...]:
        kind, name = key
        if kind is AddonKind.CONTROLNET:
            picture = lead_of(name, self._sampling.leads).picture
            return (picture,) if picture else ()
        return self._sampling.references.get(name, ())

    async def _read_ahead(self, files: tuple[str, ...]) -> None:
        """Large pictures take a while, which Generate shall not; what is wrong is said there."""
        for file in files:
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
            line = Line(key, addon.name, tip, weight, least, used=used, note=note)
            yield self._with_pictures(line)
        yield from self._switches(abilities)

    def _with_pictures(self, line: Line) -> Line:
        kind, name = line.key
        if kind is AddonKind.IP_ADAPTER:
            return line._replace(pictures=self._pictures_of(line.key))
        if kind is AddonKind.CONTROLNET:
            edges = lead_of(name, self._sampling.leads).edges
            pictures = self._pictures_of(line.key)
            return line._replace(
                pictures=pictures, most_pictures=1, no_picture=FOLLOWS_CANVAS, edges=edges
            )
        return line

    def _switches(self, abilities: ModelAbilities) -> Iterator[Line]:
        """What is on without a file."""
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

    A ControlNet comes back with the picture it followed, be it what the canvas showed then; an
    IP-Adapter with those it read.

    Args:
        inputs: Where the gallery keeps what its pictures were made from.
    """
    adapters: dict[str, list[dict[str, Any]]] = {}
    for reference in _entries(request, "references"):
        adapters.setdefault(str(reference.get("name")), []).append(reference)
    led = [
        {"kind": kind, "name": entry.get("name"), "weight": entry.get("weight", 1.0)}
        for kind, entries in (
            (AddonKind.CONTROLNET, _entries(request, "controls")),
            (AddonKind.IP_ADAPTER, [entries[0] for entries in adapters.values()]),
        )
        for entry in entries
    ]
    leads = {
        str(control.get("name")): [
            str(inputs / f"{control['image']}.png"),
            control.get("preprocessor") == "canny",
        ]
        for control in _entries(request, "controls")
        if control.get("image")
    }
    return {
        "leads": leads,
        "addons": [*request.get("addons", ()), *led],
        "clip_skip": request.get("clip_skip", 1),
        "freeu": request.get("freeu"),
        "pag_scale": request.get("pag_scale", 0.0),
        "refiner": _refiner(request).get("checkpoint", ""),
        "refiner_start": _refiner(request).get("start", 0.8),
        "references": {
            name: [str(inputs / f"{entry.get('image')}.png") for entry in entries]
            for name, entries in adapters.items()
        },
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
    facts = [fact for fact in (HEADINGS[file.kind], file.title, family) if fact]
    return f"{', '.join(facts)}\n{file.path}"
