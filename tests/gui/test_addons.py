"""Add-ons in the dock: offered when they fit, weighed, taken off, kept, recalled, and sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot
from safetensors.torch import save_file

from core.abilities import AddonKind, FreeU
from core.addon import Addon, Refinement
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.errors import InvalidRequest, UnreadableImage
from core.geometry import Size
from core.images import write_image
from gui.addons import AddonController, addons_of
from gui.background import Background
from gui.canvas.asking import request_for
from gui.leads import Lead
from gui.models import ModelController
from gui.panels.addons import AddonsSection
from gui.sampling import Sampling
from gui.theme import Theme
from gui.widgets.finder import Finder
from gui.widgets.number_field import NumberField
from gui.widgets.picture_button import PictureButton
from tests.helpers.addons import SD1
from tests.helpers.desktop import rest
from tests.helpers.generations import picture

LORA = AddonKind.LORA
NAME = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"


def write_lora(file: Path, width: int = 768) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"{NAME}.lora_down.weight": torch.ones(4, width)}, file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lora(tmp_path / "loras" / "ink.safetensors")
    write_lora(tmp_path / "loras" / "wash.safetensors")
    write_lora(tmp_path / "loras" / "grand.safetensors", 2048)
    (tmp_path / "embeddings").mkdir()
    save_file({"emb": torch.ones(2, 768)}, tmp_path / "embeddings" / "easy.safetensors")
    (tmp_path / "vae").mkdir()
    for name in ("clear", "soft"):
        decoder = {"decoder.conv_in.weight": torch.ones(4)}
        save_file(decoder, tmp_path / "vae" / f"{name}.safetensors")
    (tmp_path / "controlnet").mkdir()
    net = {"controlnet_mid_block.weight": torch.ones(4)}
    save_file(net, tmp_path / "controlnet" / "edges-canny.safetensors")
    (tmp_path / "ipadapter").mkdir()
    eyes = {"image_proj.proj.weight": torch.ones(4, 1024)}
    eyes["ip_adapter.1.to_k_ip.weight"] = torch.ones(4, 768)
    save_file(eyes, tmp_path / "ipadapter" / "eyes.safetensors")
    return tmp_path


class Dock:
    """The section with its controller, as the studio joins them."""

    def __init__(
        self, qtbot: QtBot, theme: Theme, sampling: Sampling, background: Background, folder: Path
    ) -> None:
        self.qtbot, self.background, self.sampling = qtbot, background, sampling
        self.section = AddonsSection(theme)
        qtbot.addWidget(self.section)
        self.section.resize(300, 400)
        self.owner = QObject()
        self.models = ModelController(sampling, background, [folder], self.owner)
        self.controller = AddonController(
            self.section, self.models, sampling, background, self.owner
        )

    def choose(self, checkpoint: Checkpoint) -> None:
        self.models.chosen.emit(checkpoint)
        self.controller.look()
        rest(self.qtbot, self.background)

    @property
    def offered(self) -> list[str]:
        return [choice.name for choice in self.section._choices]

    @property
    def lines(self) -> list[str]:
        labels = self.section.findChildren(QLabel)
        return [label.accessibleName() for label in labels if label.accessibleName()]

    def add(self, name: str) -> None:
        """Press the plus, type the name, Enter."""
        self.press("Add a LoRA or another add-on")
        search = self.section.findChild(Finder).findChild(QLineEdit)
        QTest.keyClicks(search, name)
        QTest.keyClick(search, Qt.Key.Key_Return)

    def press(self, name: str) -> None:
        buttons = self.section.findChildren(QToolButton)
        button = next(b for b in buttons if b.accessibleName() == name)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def field(self, name: str) -> NumberField:
        fields = self.section.findChildren(NumberField)
        return next(f for f in fields if f.accessibleName() == f"{name}: value")


@pytest.fixture
def sd1(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, abilities=SD1)


@pytest.fixture
def dock(
    qtbot: QtBot,
    theme: Theme,
    sampling: Sampling,
    background: Background,
    folder: Path,
    sd1: Checkpoint,
) -> Iterator[Dock]:
    dock = Dock(qtbot, theme, sampling, background, folder)
    dock.choose(sd1)
    yield dock
    background.close()


def test_only_what_fits_is_offered(dock: Dock) -> None:
    files = ["ink", "wash", "easy", "edges-canny", "eyes", "clear", "soft"]
    expected = [*files, "Clip skip", "FreeU", "PAG"]
    assert dock.offered == expected
    assert dock.section.isVisibleTo(None)


def test_a_model_that_takes_nothing_has_no_section(dock: Dock, checkpoint: Checkpoint) -> None:
    dock.choose(checkpoint)
    assert not dock.section.isVisible()


def test_added_weighed_and_taken_off(dock: Dock, sampling: Sampling) -> None:
    dock.add("ink")
    assert sampling.addons == (Addon(LORA, "ink"),)
    assert "ink" not in dock.offered
    field = dock.field("ink")
    field.setValue(0.65)
    assert sampling.addons == (Addon(LORA, "ink", 0.65),)
    assert dock.field("ink") is field
    dock.press("Take off ink")
    assert sampling.addons == ()
    assert "ink" in dock.offered


def test_there_is_one_vae_at_a_time(dock: Dock, sampling: Sampling) -> None:
    dock.add("clear")
    dock.add("soft")
    assert sampling.addons == (Addon(AddonKind.VAE, "soft"),)


def test_a_taught_word_goes_into_the_prompt(dock: Dock, sampling: Sampling) -> None:
    dock.add("easy")
    assert sampling.prompt == "easy"
    sampling.prompt = "a cat, "
    dock.add("easy")
    assert sampling.prompt == "a cat, easy"
    assert sampling.addons == ()


def test_clip_skip_and_freeu_are_lines_too(dock: Dock, sampling: Sampling) -> None:
    dock.add("clip")
    dock.add("freeu")
    assert (sampling.clip_skip, sampling.freeu) == (2, SD1.freeu)
    dock.field("Clip skip").setValue(4)
    assert sampling.clip_skip == 4
    dock.press("Take off Clip skip")
    dock.press("Take off FreeU")
    assert (sampling.clip_skip, sampling.freeu) == (1, None)


def test_what_another_model_does_not_take_stays_and_is_not_sent(
    dock: Dock, sampling: Sampling, sd1: Checkpoint
) -> None:
    dock.add("ink")
    sampling.prompt = "a cat"
    document = Document(Size(64, 64))
    assert request_for(document, sampling, sd1).addons == (Addon(LORA, "ink"),)
    grand = replace(sd1, abilities=replace(SD1, text_width=2048, family="sdxl"))
    dock.choose(grand)
    assert dock.lines == ["ink"]
    assert not dock.field("ink").isEnabled()
    assert dock.offered[0] == "grand"
    assert request_for(document, sampling, grand).addons == ()


def test_a_controlnet_follows_what_the_frame_shows(
    dock: Dock, sampling: Sampling, sd1: Checkpoint
) -> None:
    dock.add("edges")
    sampling.prompt = "a cat"
    request = request_for(Document(Size(64, 64)), sampling, sd1)
    (control,) = request.controls
    assert (control.name, control.weight, control.preprocessor) == ("edges-canny", 1.0, "canny")
    assert control.image is not None
    assert control.image.shape == (64, 64, 3)
    assert (control.image == 255).all()
    assert request.addons == ()


def test_a_controlnet_follows_a_picture_of_its_own(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, tmp_path: Path
) -> None:
    """Its middle in the shape of the frame, scaled to it, with or without its edges drawn."""
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    write_image(tmp_path / "pose.png", wide)
    dock.add("edges")
    sampling.prompt = "a cat"
    (add,) = dock.section.findChildren(PictureButton)
    drop(add, tmp_path / "pose.png")
    dock.press("edges-canny: draw the edges first")
    document = Document(Size(64, 64))
    (control,) = request_for(document, sampling, sd1).controls
    assert control.preprocessor == "none"
    assert control.image is not None
    assert control.image.shape == (64, 64, 3)
    assert (control.image == 200).all()
    again = Sampling()
    again.restore(sampling.to_dict())
    assert again.leads == {"edges-canny": Lead(str(tmp_path / "pose.png"))}
    (thumbnail,) = [b for b in dock.section.findChildren(PictureButton) if not b.isHidden()]
    assert thumbnail.accessibleName() == "Picture for edges-canny: pose.png"
    QTest.keyClick(thumbnail, Qt.Key.Key_Delete)
    (control,) = request_for(document, sampling, sd1).controls
    assert control.image is not None
    assert (control.image == 255).all()
    rest(dock.qtbot, dock.background)


@pytest.mark.parametrize(
    "strange", [7, {"a": "b"}, {"a": [3, True]}, {"a": ["x"]}, {"a": ["x", 1]}]
)
def test_a_damaged_lead_is_left_out(sampling: Sampling, strange: object) -> None:
    sampling.restore({"leads": strange})
    assert sampling.leads == {}


def drop(button: PictureButton, *files: Path) -> None:
    """As if the files were dragged there from the results or another program."""
    content, place = QMimeData(), QPoint(5, 5)
    content.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    how = (Qt.DropAction.CopyAction, content, Qt.MouseButton.LeftButton)
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(button, QDragEnterEvent(place, *how, none))
    QApplication.sendEvent(button, QDropEvent(QPointF(place), *how, none))


def pictures(dock: Dock) -> dict[str, PictureButton]:
    """The row of thumbnails, by name, the place for the next included."""
    QApplication.processEvents()  # a new child is shown when the layout comes to it
    buttons = dock.section.findChildren(PictureButton)
    return {
        b.accessibleName().removeprefix("Picture for eyes"): b for b in buttons if not b.isHidden()
    }


def chosen(sampling: Sampling) -> list[str]:
    return [Path(file).stem for file in sampling.references.get("eyes", ())]


@pytest.fixture
def eyes(dock: Dock, sampling: Sampling, tmp_path: Path) -> Iterator[Path]:
    """An IP-Adapter is on, and in this folder are pictures a to i."""
    for name in "abcdefghi":
        write_image(tmp_path / f"{name}.png", picture())
    sampling.addons = (Addon(AddonKind.IP_ADAPTER, "eyes"),)
    sampling.prompt = "a cat"
    yield tmp_path
    rest(dock.qtbot, dock.background)


def test_an_ip_adapter_asks_for_a_picture_and_takes_a_dropped_one(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, tmp_path: Path
) -> None:
    dock.add("eyes")
    (dialog,) = dock.section.findChildren(QFileDialog)
    dialog.reject()
    sampling.prompt = "a cat"
    document = Document(Size(64, 64))
    with pytest.raises(InvalidRequest, match="IP-Adapter eyes has no picture to read"):
        request_for(document, sampling, sd1)
    write_image(tmp_path / "lead.png", picture(Size(2000, 1000)))
    assert list(pictures(dock)) == [": add: none yet"]
    drop(pictures(dock)[": add: none yet"], tmp_path / "lead.png")
    assert list(pictures(dock)) == [": add: none yet", " 1: lead.png"]
    dock.field("eyes").setValue(0.6)
    (reference,) = request_for(document, sampling, sd1).references
    assert (reference.name, reference.weight) == ("eyes", 0.6)
    assert reference.image is not None
    assert reference.image.shape == (512, 1024, 3)
    rest(dock.qtbot, dock.background)


def test_it_takes_several_and_sends_them_all(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, eyes: Path
) -> None:
    add = pictures(dock)[": add: none yet"]
    drop(add, eyes / "a.png", eyes / "b.png")
    drop(add, eyes / "c.png", eyes / "a.png")
    assert chosen(sampling) == ["a", "b", "c"]
    request = request_for(Document(Size(64, 64)), sampling, sd1)
    assert [(r.name, r.weight) for r in request.references] == [("eyes", 1.0)] * 3
    assert all(reference.image is not None for reference in request.references)


def test_one_of_several_is_changed_and_taken_out(
    dock: Dock, sampling: Sampling, eyes: Path
) -> None:
    sampling.references = {"eyes": tuple(str(eyes / f"{name}.png") for name in "abc")}
    drop(pictures(dock)[" 2: b.png"], eyes / "d.png")
    assert chosen(sampling) == ["a", "d", "c"]
    QTest.keyClick(pictures(dock)[" 1: a.png"], Qt.Key.Key_Delete)
    assert chosen(sampling) == ["d", "c"]
    another, out = pictures(dock)[" 1: d.png"].menu().actions()
    another.trigger()
    (dialog,) = dock.section.findChildren(QFileDialog)
    dialog.filesSelected.emit([str(eyes / "e.png")])
    dialog.reject()
    assert chosen(sampling) == ["e", "c"]
    out.trigger()
    assert chosen(sampling) == ["c"]


def test_it_takes_no_more_than_eight(dock: Dock, sampling: Sampling, eyes: Path) -> None:
    add = pictures(dock)[": add: none yet"]
    drop(add, *(eyes / f"{name}.png" for name in "abcdefghi"))
    assert chosen(sampling) == list("abcdefgh")
    assert add.isHidden()


def test_chosen_pictures_go_behind_those_that_are_there(
    dock: Dock, sampling: Sampling, eyes: Path
) -> None:
    sampling.references = {"eyes": (str(eyes / "a.png"),)}
    QTest.mouseClick(pictures(dock)[": add: none yet"], Qt.MouseButton.LeftButton)
    (dialog,) = dock.section.findChildren(QFileDialog)
    dialog.filesSelected.emit([str(eyes / "b.png"), str(eyes / "c.png")])
    dialog.reject()
    assert chosen(sampling) == ["a", "b", "c"]


def test_a_picture_that_is_gone_is_named(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, tmp_path: Path
) -> None:
    sampling.addons = (Addon(AddonKind.IP_ADAPTER, "eyes"),)
    sampling.references = {"eyes": (str(tmp_path / "gone.png"),)}
    sampling.prompt = "a cat"
    assert " 1: gone.png (not found)" in pictures(dock)
    with pytest.raises(UnreadableImage, match=r"gone\.png is gone\. Choose another"):
        request_for(Document(Size(64, 64)), sampling, sd1)


def test_pag_is_a_line_with_its_scale(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, checkpoint: Checkpoint
) -> None:
    dock.add("PAG")
    assert sampling.pag_scale == 3.0
    dock.field("PAG").setValue(1.5)
    sampling.prompt = "a cat"
    document = Document(Size(64, 64))
    assert request_for(document, sampling, sd1).pag_scale == 1.5
    assert request_for(document, sampling, checkpoint).pag_scale == 0.0
    dock.press("Take off PAG")
    assert sampling.pag_scale == 0.0


def test_a_refiner_is_offered_to_what_it_refines(
    dock: Dock, sampling: Sampling, sd1: Checkpoint, checkpoint: Checkpoint
) -> None:
    refiner = replace(checkpoint, abilities=replace(SD1, family="finisher"), name="finish")
    dock.models._models = {"finish": refiner}
    dock.choose(sd1)
    assert "finish" not in dock.offered
    refined = replace(sd1, abilities=replace(SD1, refined_by="finisher"))
    dock.choose(refined)
    dock.add("finish")
    assert (sampling.refiner, sampling.refiner_start) == ("finish", 0.8)
    assert "finish" not in dock.offered
    dock.field("Refiner: finish").setValue(0.6)
    sampling.prompt = "a cat"
    document = Document(Size(64, 64))
    assert request_for(document, sampling, refined).refinement == Refinement("finish", 0.6)
    assert request_for(document, sampling, sd1).refinement is None
    document.invert_mask()
    assert request_for(document, sampling, refined).refinement is None
    dock.press("Take off Refiner: finish")
    assert sampling.refiner == ""


def test_choices_are_kept_and_come_back(sampling: Sampling, qapp: object) -> None:
    sampling.addons = (Addon(LORA, "ink", 0.5),)
    sampling.clip_skip, sampling.freeu = 3, FreeU(0.9, 0.2, 1.5, 1.6)
    sampling.references, sampling.pag_scale = {"eyes": ("/a.png", "/b.png")}, 2.5
    again = Sampling()
    again.restore(sampling.to_dict())
    assert again.addons == sampling.addons
    assert (again.clip_skip, again.freeu) == (3, FreeU(0.9, 0.2, 1.5, 1.6))
    assert (again.references, again.pag_scale) == ({"eyes": ("/a.png", "/b.png")}, 2.5)
    again.restore({"references": {"eyes": "/from/before.png", "ears": ["/c.png", 3]}})
    assert again.references == {"eyes": ("/from/before.png",)}
    again.restore({"clip_skip": 99, "addons": "ink", "freeu": "yes", "references": {"a": 3}})
    assert again.references == {}
    assert (again.addons, again.clip_skip, again.freeu) == ((), 3, None)


def test_a_recalled_picture_brings_its_add_ons_and_no_others(sampling: Sampling) -> None:
    sampling.addons, sampling.clip_skip = (Addon(LORA, "wash"),), 2
    sampling.restore(addons_of({"prompt": "from before add-ons"}))
    assert (sampling.addons, sampling.clip_skip) == ((), 1)
    record = {
        "addons": [Addon(LORA, "ink", 0.7, "ab" * 32).to_dict()],
        "controls": [
            {"name": "edges-canny", "weight": 0.4, "image": "ghi", "preprocessor": "canny"},
            {"name": "lost", "weight": 0.5, "image": None},
        ],
        "references": [
            {"name": "eyes", "weight": 0.3, "image": "abc"},
            {"name": "eyes", "weight": 0.3, "image": "def"},
        ],
        "pag_scale": 1.5,
        "refinement": {"checkpoint": "finish", "start": 0.7},
        "clip_skip": 2,
    }
    sampling.restore(addons_of(record, Path("/inputs")))
    assert sampling.references == {"eyes": ("/inputs/abc.png", "/inputs/def.png")}
    assert sampling.leads == {"edges-canny": Lead("/inputs/ghi.png", edges=True)}
    assert sampling.pag_scale == 1.5
    assert (sampling.refiner, sampling.refiner_start) == ("finish", 0.7)
    assert sampling.addons == (
        Addon(LORA, "ink", 0.7),
        Addon(AddonKind.CONTROLNET, "edges-canny", 0.4),
        Addon(AddonKind.CONTROLNET, "lost", 0.5),
        Addon(AddonKind.IP_ADAPTER, "eyes", 0.3),
    )
