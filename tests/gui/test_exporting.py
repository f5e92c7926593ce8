"""Export: formats, quality, and what the file tells of how the picture was made, to strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import piexif
import piexif.helper
import pytest
from PIL import Image
from PySide6.QtWidgets import QCheckBox, QFileDialog, QToolButton

from core.canvas.document import Document
from core.canvas.layering import add_layer
from core.geometry import Size
from core.images import read_image, write_image
from core.metadata import read_infotext, read_record
from core.result import GenerationResult
from core.settings import Paths, Settings, load_settings, save_settings
from gui.documents import DocumentController
from gui.export import ExportController
from gui.exporting import ExportChoice, made_of
from gui.main_window import MainWindow
from gui.panels.export_sheet import ExportSheet
from gui.sampling import Sampling
from gui.widgets.number_field import NumberField
from tests.helpers.results import a_result, noise

FORMATS = ("png", "jpg", "webp")


class Shop:
    """A window with a noisy picture in it, ready to be exported."""

    def __init__(self, window: MainWindow, sampling: Sampling, folder: Path) -> None:
        paths = Paths.find()
        paths.make()
        self.window, self.folder = window, folder
        self.documents = DocumentController(window.canvas, window.messages, sampling, paths, window)
        self.exports = ExportController(window, self.documents, {})
        self.documents.show(Document.from_image(noise(1, 48, 64, 3)))

    def make(self) -> GenerationResult:
        """A generated picture is kept in the document."""
        result = a_result("a red apple, on a table")
        self.exports.on_kept(result)
        return result

    def export(self, ending: str, **choice: Any) -> Path:
        self.exports.choice = ExportChoice(**choice)
        file = self.folder / f"out.{ending}"
        self.exports.export(str(file))
        assert self.window.messages.text == f"Exported {file.name}."
        return file

    def ask(self) -> ExportSheet:
        self.window.actions_by_name["export"].trigger()
        sheet = self.window.findChild(ExportSheet)
        assert sheet is not None
        assert sheet.isVisible()
        return sheet


@pytest.fixture
def shop(window: MainWindow, sampling: Sampling, home: Path, tmp_path: Path) -> Shop:
    return Shop(window, sampling, tmp_path)


def box(sheet: ExportSheet, text: str) -> QCheckBox:
    return next(box for box in sheet.findChildren(QCheckBox) if box.text() == text)


def embedded_in(file: Path) -> dict[str, object]:
    """Everything but sizes and colours that Pillow finds in a file."""
    with Image.open(file) as picture:
        picture.load()
        about = dict(picture.info) | {"exif tags": dict(picture.getexif())}
    plain = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "loop", "background"}
    return {name: value for name, value in about.items() if name not in plain and value}


@pytest.mark.parametrize("ending", FORMATS)
def test_without_a_word_the_file_has_none(shop: Shop, ending: str) -> None:
    shop.make()
    file = shop.export(ending)
    assert embedded_in(file) == {}
    assert b"apple" not in file.read_bytes()
    assert read_record(file) is None
    assert b"EXIF" not in file.read_bytes()
    if ending == "jpg":
        assert not any(piexif.load(str(file))[block] for block in ("0th", "Exif", "GPS", "1st"))


@pytest.mark.parametrize("ending", FORMATS)
def test_with_a_word_others_read_prompt_and_settings(shop: Shop, ending: str) -> None:
    result = shop.make()
    file = shop.export(ending, tells=True)
    text = read_infotext(file)
    assert text is not None
    assert text.startswith("a red apple, on a table\nNegative prompt:")
    assert "Seed: 31" in text
    record = read_record(file)
    assert record is not None
    assert record["request"] == result.request.to_dict()
    if ending == "png":
        with Image.open(file) as picture:
            assert picture.info["parameters"] == text
    else:
        comment = piexif.load(str(file))["Exif"][piexif.ExifIFD.UserComment]
        assert piexif.helper.UserComment.load(comment) == text


def test_a_psd_has_layers_and_tells_nothing(shop: Shop) -> None:
    shop.make()
    add_layer(shop.documents.document)
    file = shop.export("psd", tells=True)
    with Image.open(file) as psd:
        assert (psd.format, psd.size, psd.n_frames) == ("PSD", (64, 48), 2)  # type: ignore[attr-defined]
    assert b"apple" not in file.read_bytes()


def test_lossless_formats_keep_every_pixel(shop: Shop) -> None:
    for ending in ("png", "webp"):
        assert np.array_equal(read_image(shop.export(ending)), noise(1, 48, 64, 3))


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_a_lower_quality_is_a_smaller_file(shop: Shop, ending: str) -> None:
    sizes = [
        shop.export(ending, quality=quality, lossless=False).stat().st_size
        for quality in (100, 60, 10)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[-1]
    with Image.open(shop.folder / f"out.{ending}") as picture:
        assert picture.size == (64, 48)


def test_transparency_is_exported_straight(shop: Shop) -> None:
    pixels = noise(2, 16, 16, 4)
    pixels[..., 3] = np.where(np.arange(16) < 8, 255, 0)
    write_image(shop.folder / "half.png", pixels)
    shop.documents.open(str(shop.folder / "half.png"))
    for ending in ("png", "webp"):
        out = read_image(shop.export(ending))
        assert np.array_equal(out[:, :8], pixels[:, :8])
        assert (out[:, 8:, 3] == 0).all()
    assert (read_image(shop.export("jpg"))[:, 12:, :3] > 240).all()


@pytest.mark.parametrize("name", ["nowhere/out.png", "out.strange"])
def test_what_cannot_be_written_is_said(shop: Shop, name: str) -> None:
    (shop.folder / "nowhere").write_text("a file in the way")
    shop.exports.export(str(shop.folder / name))
    assert shop.window.messages.text
    assert "Exported" not in shop.window.messages.text
    assert not (shop.folder / "out.strange").exists()


# --- what is known of a picture ------------------------------------------------------------------


def test_an_opened_result_tells_again_what_it_told(shop: Shop) -> None:
    result = shop.make()
    first = shop.export("png", tells=True)
    first.rename(shop.folder / "result.png")
    shop.documents.open(str(shop.folder / "result.png"))
    again = read_record(shop.export("webp", tells=True))
    assert again is not None
    assert again["request"] == result.request.to_dict()


def test_a_project_remembers_how_its_picture_was_made(shop: Shop) -> None:
    shop.make()
    made = shop.documents.made
    shop.documents.save_as(str(shop.folder / "work.ora"))
    shop.documents.show(Document(Size(64, 64)))
    assert shop.documents.made is None
    shop.documents.open(str(shop.folder / "work.ora"))
    assert shop.documents.made == made


def test_a_stranger_is_not_believed(shop: Shop) -> None:
    file = shop.folder / "strange.png"
    write_image(file, noise(1, 8, 8, 3))
    shop.documents.open(str(file))
    assert shop.documents.made is None
    shop.export("png", tells=True)
    assert embedded_in(shop.folder / "out.png") == {}


def test_text_and_record_are_those_of_the_result(shop: Shop) -> None:
    result = shop.make()
    made = made_of(result)
    assert made["record"]["id"] == result.request.id
    assert shop.documents.made is not None
    assert made["text"] == shop.documents.made["text"]


# --- the sheet -----------------------------------------------------------------------------------


def test_the_sheet_offers_what_the_format_can_be_told(shop: Shop) -> None:
    shop.make()
    sheet = shop.ask()
    tells, lossless = box(sheet, "Include prompt and settings"), box(sheet, "Lossless")
    quality = sheet.findChild(NumberField)
    assert quality is not None
    seen = {}
    for button in sheet.findChildren(QToolButton):
        button.click()
        seen[button.property("choice")] = tuple(
            part.isVisible() for part in (tells, lossless, quality)
        )
    assert seen == {
        "png": (True, False, False),
        "jpg": (True, False, True),
        "webp": (True, True, False),
        "psd": (False, False, False),
    }
    sheet.close()


def test_what_was_never_generated_offers_no_word(shop: Shop) -> None:
    sheet = shop.ask()
    assert not box(sheet, "Include prompt and settings").isVisible()
    sheet.close()


def test_the_choice_is_kept_and_asked_with_again(shop: Shop) -> None:
    shop.make()
    sheet = shop.ask()
    box(sheet, "Include prompt and settings").setChecked(True)
    sheet.button.click()
    dialog = shop.window.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.defaultSuffix() == "png"
    dialog.fileSelected.emit(str(shop.folder / "out.png"))
    dialog.close()
    assert read_infotext(shop.folder / "out.png")
    assert shop.exports.choice.tells
    assert box(shop.ask(), "Include prompt and settings").isChecked()
    sheet.close()


def test_the_choice_outlives_the_program(tmp_path: Path) -> None:
    choice = ExportChoice("webp", 70, False, True)
    save_settings(Settings(export=choice.to_dict()), tmp_path / "settings.json")
    assert ExportChoice.from_dict(load_settings(tmp_path / "settings.json").export) == choice


@pytest.mark.parametrize(
    "record", [{"format": "exe"}, {"quality": 0}, {"quality": "9"}, {"tells": 1}, {"strange": 3}]
)
def test_a_strange_record_is_left_out(record: dict[str, Any]) -> None:
    assert ExportChoice.from_dict(record) == ExportChoice()
