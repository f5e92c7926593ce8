"""The command line makes real pictures with a real pipeline, and leaves nothing else behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.gallery import Gallery
from core.images import read_image, write_image
from core.metadata import read_record
from core.settings import Paths
from main import main
from tests.helpers.results import a_result, noise

ROOT = Path(__file__).resolve().parents[2]
Zoo = Callable[[str], Path]
Generate = Callable[..., list[dict[str, Any]]]
pytestmark = pytest.mark.slow


@pytest.fixture
def generate(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> Generate:
    """Runs `generate` in this process, which has torch already; its JSON lines."""

    def run(*arguments: str, command: str = "generate") -> list[dict[str, Any]]:
        options = ["--model", str(zoo("sd15")), "--json", "--steps", "3"]
        code = main([*command.split(), *arguments, *options])
        shown = capsys.readouterr()
        assert code == 0, shown.err
        return [json.loads(line) for line in shown.out.splitlines()]

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a picture and a mask whose sizes fit no model."""
    mask = np.zeros((67, 93), np.uint8)
    mask[20:50, 30:70] = 255
    write_image(tmp_path / "photo.png", noise(0, 67, 93, 3))
    write_image(tmp_path / "mask.png", mask)
    return tmp_path


def in_a_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "main.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def files_below(folder: Path) -> list[str]:
    """What lies there, without the log and what may be made again."""
    names = (f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
    return sorted(name for name in names if not re.match(r"(home/)?(state|cache)/", name))


# ---------------------------------------------------------------- the three kinds


def test_text_to_image_writes_a_file_and_a_gallery_item(
    generate: Generate, tmp_path: Path, home: Path
) -> None:
    target = str(tmp_path / "a.png")
    [first] = generate("a red apple", "--seed", "31", "--output", target, "--width", "64")
    assert (first["path"], first["seed"], first["steps"]) == (target, 31, 3)
    assert first["size"] == [64, 64]
    assert first["changed_outside_mask"] is None
    assert first["seconds"] > 0
    with Gallery(Paths.find(home)) as gallery:
        item = gallery.get(first["id"])
    assert read_record(Path(target)) == item.record
    assert item.path.exists()
    [again] = generate("a red apple", "--seed", "31", "--output", target, "--width", "64")
    assert np.array_equal(read_image(item.path), read_image(Path(again["path"])))
    [other] = generate(
        "a red apple", "--seed", "32", "--no-gallery", "--width", "64", "--output", target
    )
    assert not np.array_equal(read_image(item.path), read_image(Path(other["path"])))
    assert other["id"] is None
    with Gallery(Paths.find(home)) as gallery:
        assert gallery.count() == 2


def test_inpainting_changes_nothing_outside_the_mask(
    generate: Generate, pictures: Path, home: Path
) -> None:
    [made] = generate(
        "a green pear",
        *["--init-image", f"{pictures}/photo.png", "--mask-image", f"{pictures}/mask.png"],
        *["--output", f"{pictures}/out.png", "--grid", "--strength", "1"],
    )
    assert made["changed_outside_mask"] == 0
    assert (made["size"], made["kind"]) == ([93, 67], "inpainting")
    photo, result = noise(0, 67, 93, 3), read_image(pictures / "out.png")
    outside = read_image(pictures / "mask.png")[..., 0] == 0
    assert np.array_equal(photo[outside], result[outside])
    assert not np.array_equal(photo[~outside], result[~outside])
    grid = read_image(pictures / "out-grid.png")
    assert made["grid"] == str(pictures / "out-grid.png")
    assert grid.shape == (67, 3 * 93 + 2 * 8, 3)
    assert np.array_equal(grid[:, :93], photo)
    assert np.array_equal(grid[:, 101:194, 0], np.where(outside, 0, 255))
    assert np.array_equal(grid[:, -93:], result)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_image_to_image_into_other_formats(generate: Generate, pictures: Path, suffix: str) -> None:
    target = pictures / f"out{suffix}"
    [made] = generate(
        "a photo",
        "--init-image",
        f"{pictures}/photo.png",
        "--strength",
        "0.7",
        "--output",
        f"{target}",
    )
    assert (made["kind"], made["steps"], made["strength"]) == ("image-to-image", 2, 0.7)
    assert read_image(target).shape == (67, 93, 3)
    record = read_record(target)
    assert record is not None
    assert record["request"]["init_image"] is not None


def test_strangers_read_what_the_pipeline_made(generate: Generate, pictures: Path) -> None:
    from hanaikada.core.metadata import MetadataService
    from sd_prompt_reader.image_data_reader import ImageDataReader

    photo = ["--init-image", f"{pictures}/photo.png", "--strength", "0.9"]
    mask = ["--mask-image", f"{pictures}/mask.png"]
    kinds = {"txt2img": ["--width", "64"], "img2img": photo, "inpaint": [*photo, *mask]}
    for mode, arguments in kinds.items():
        file = pictures / f"{mode}.png"
        words = ["--negative-prompt", "blur", "--scheduler", "Euler a", "--guidance-scale", "6.5"]
        generate("a pear", *arguments, *words, "--seed", "7", "--output", str(file))
        info = MetadataService().read(file).info
        assert (info.mode, info.prompt, info.negative_prompt) == (mode, "a pear", "blur")
        assert (int(info.seed), int(info.steps), info.sampler) == (7, 3, "Euler a")
        assert float(info.cfg_scale) == 6.5
        size = read_image(file).shape[1::-1]
        assert (int(info.width), int(info.height)) == size
        assert re.fullmatch("[0-9a-f]{10}", info.model.hash)
        reader = ImageDataReader(str(file))
        assert (reader.positive, reader.negative) == ("a pear", "blur")
        assert f"Size: {size[0]}x{size[1]}" in reader.setting


def test_a_picture_is_made_again_from_the_gallery(
    generate: Generate, pictures: Path, home: Path
) -> None:
    [made] = generate(
        "a green pear",
        *["--init-image", f"{pictures}/photo.png", "--mask-image", f"{pictures}/mask.png"],
        *["--seed", "5", "--strength", "0.9"],
    )
    assert Path(made["path"]).is_relative_to(home)
    (pictures / "photo.png").unlink()
    again = ["--output", f"{pictures}/again.png"]
    [same] = generate(made["id"][:8], *again, command="gallery reuse")
    assert np.array_equal(read_image(Path(made["path"])), read_image(Path(same["path"])))
    assert (same["seed"], same["changed_outside_mask"]) == (5, 0)
    [other] = generate(
        made["id"], "--prompt", "a pear", "--seed", "6", *again, command="gallery reuse"
    )
    assert not np.array_equal(read_image(Path(made["path"])), read_image(Path(other["path"])))


def test_count_makes_following_seeds(generate: Generate, tmp_path: Path, home: Path) -> None:
    made = generate("x", "--count", "2", "--seed", "4294967295", "--output", f"{tmp_path}/a.png")
    assert [line["seed"] for line in made] == [4294967295, 0]
    assert [Path(line["path"]).name for line in made] == ["a.png", "a-2.png"]
    into = generate(
        "x", "--count", "2", "--seed", "3", "--output", f"{tmp_path}/new", "--no-gallery"
    )
    assert [Path(line["path"]).parent for line in into] == [tmp_path / "new"] * 2
    assert [Path(line["path"]).stem.split("-")[-1] for line in into] == ["3", "4"]


def test_batches_make_following_seeds_and_each_picture_can_be_made_again(
    generate: Generate, home: Path
) -> None:
    made = generate("a {red|green} cat", "--count", "3", "--batch-size", "2", "--seed", "4")
    assert [line["seed"] for line in made] == [4, 5, 6]
    made = generate("a cat", "--count", "3", "--batch-size", "2", "--seed", "4")
    assert [(line["seed"], line["drawn_together"]) for line in made] == [(4, 2), (5, 2), (6, 1)]
    (again,) = generate(made[1]["id"], command="gallery reuse")
    assert (again["seed"], again["drawn_together"]) == (5, 2)
    first, second = (read_image(Path(line["path"])) for line in (made[1], again))
    assert np.array_equal(first, second)
    (other,) = generate(made[1]["id"], "--seed", "9", command="gallery reuse")
    assert (other["seed"], other["drawn_together"]) == (9, 1)


# ---------------------------------------------------------------- the process and its edges


def test_a_cold_start_says_nothing_but_its_result(zoo: Zoo, tmp_path: Path, home: Path) -> None:
    done = in_a_process(
        *["generate", "a red apple " + "very " * 80, "--model", str(zoo("sd15")), "--steps", "2"],
        *["--width", "66", "--output", f"{tmp_path}/a.png"],
    )
    assert done.returncode == 0
    assert done.stdout == f"{tmp_path}/a.png\n"
    (line,) = done.stderr.splitlines()  # a long prompt is read to its end, so nothing of it
    assert "multiples of 8" in line


def test_broken_weights_are_one_sentence(zoo: Zoo, tmp_path: Path, home: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(zoo("sd15"), broken)
    for weights in (broken / "unet").glob("*.safetensors"):
        content = bytearray(weights.read_bytes())
        weights.write_bytes(content[: len(content) // 2])
    done = in_a_process("generate", "x", "--model", str(broken), "--output", f"{tmp_path}/a.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "a.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE on Windows")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    zoo: Zoo, tmp_path: Path, home: Path
) -> None:
    import resource

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    # Enough for the index, which is there already, and not for the picture.
    Gallery(Paths.find(home)).close()
    before = files_below(tmp_path)
    done = in_a_process(
        *["generate", "x", "--model", str(zoo("sd15")), "--steps", "2"],
        *["--width", "256", "--output", f"{tmp_path}/a.png"],
        preexec_fn=fill_the_disk,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Free some space" in done.stderr
    assert files_below(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_ctrl_c_ends_with_130_and_leaves_nothing(zoo: Zoo, tmp_path: Path, home: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "main.py", "generate", "x", "--steps", "200"]
    process = subprocess.Popen(
        [*command, "--model", str(zoo("sd15")), "--output", f"{tmp_path}/a.png"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b" 2/200" not in shown:
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    shown += os.read(ours, 65536)
    os.close(ours)
    assert (process.returncode, output) == (130, b"")
    assert b"loading" in shown
    assert shown.rstrip().endswith(b"Stopped.")
    assert not (tmp_path / "a.png").exists()
    with Gallery(Paths.find(home)) as gallery:
        assert gallery.count() == 0


def test_doctor_reports_what_is_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["packages"]["torch"].startswith("2.13.0")
    assert report["device"]["dtype"] in ("float32", "bfloat16", "float16")
    assert report["device"]["why"].endswith(".")
    assert report["home"]["pictures"] == {
        "path": str(home / "pictures"),
        "writable": True,
        "why": None,
    }
    assert not (home / "pictures").exists()


def test_doctor_speaks_to_people_and_says_what_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["doctor", "--home", f"{tmp_path}/file/home"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "NOT WRITABLE" in shown.out
    assert "Device: " in shown.out


def test_without_streams_nothing_breaks(home: Path) -> None:
    program = (
        "import sys, main; sys.stdout = sys.stderr = None\n"
        "codes = [main.main(a) for a in (['gallery', 'list'], ['gallery', 'show', 'x'], ['-x'])]\n"
        "sys.exit(0 if codes == [0, 2, 2] else 1)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE on Windows")
def test_a_reader_that_has_seen_enough_is_no_error(home: Path) -> None:
    with Gallery(Paths.find(home)) as gallery:
        gallery.keep(a_result())
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "main.py", "gallery", "list"]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
