"""The commands refuse in one sentence, and say on each stream only what belongs there."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import logs
from core.checkpoints import describe
from core.commands import parser, run
from core.commands.generate import build
from core.commands.making import Output, require_writable, stopped_by_ctrl_c
from core.commands.terminal import Terminal
from core.errors import StorageFailed
from core.gallery import Gallery
from core.geometry import Size
from core.images import write_image
from core.request import GenerationRequest
from core.settings import Paths
from tests.helpers.results import a_result, an_inpainting, noise

ROOT = Path(__file__).resolve().parents[2]
Zoo = Callable[[str], Path]


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a picture, masks that fit and do not, and files that are no pictures."""
    mask = np.zeros((48, 64), np.uint8)
    mask[8:24, 8:40] = 255
    write_image(tmp_path / "photo.png", noise(0, 48, 64, 3))
    write_image(tmp_path / "mask.png", mask)
    write_image(tmp_path / "small.png", mask[:40, :40])
    write_image(tmp_path / "black.png", np.zeros((48, 64), np.uint8))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "half.png").write_bytes((tmp_path / "photo.png").read_bytes()[:3000])
    return tmp_path


def files_below(folder: Path) -> list[str]:
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


# ---------------------------------------------------------------- refusals

PHOTO = ["--init-image", "{dir}/photo.png"]
REFUSALS: dict[str, tuple[list[str], str]] = {
    "empty prompt": ([""], "prompt is empty"),
    "blank prompt": (["  \n "], "prompt is empty"),
    "long prompt": (["x" * 100_001], "100,000 characters"),
    "missing picture": (["p", "--init-image", "{dir}/none.png"], "no file .*none.png"),
    "no picture": (["p", "--init-image", "{dir}/text.png"], "“text.png” is not a picture"),
    "half a picture": (["p", "--init-image", "{dir}/half.png"], "damaged or incomplete"),
    "a folder": (["p", "--init-image", "{dir}"], "cannot be opened"),
    "bad mask": (["p", *PHOTO, "--mask-image", "{dir}/text.png"], "not a picture"),
    "mask of another size": (["p", *PHOTO, "--mask-image", "{dir}/small.png"], "40 × 40.*64 × 48"),
    "black mask": (["p", *PHOTO, "--mask-image", "{dir}/black.png"], "mask is empty"),
    "mask alone": (["p", "--mask-image", "{dir}/mask.png"], "needs --init-image"),
    "strength alone": (["p", "--strength", "0.5"], "needs --init-image"),
    "closeup of nothing": (["p", *PHOTO, "--inpaint-area", "masked"], "needs --mask-image"),
    "second pass alone": (["p", "--hires-strength", "0.5"], "needs --hires"),
    "two passes from a picture": (["p", *PHOTO, "--hires", "2"], "leave --init-image out"),
    "hires of nothing": (["p", "--hires", "1"], "--hires is 1"),
    "hires not a number": (["p", "--hires", "nan"], "--hires is nan"),
    "second pass of no step": (["p", "--hires", "2", "--hires-strength", "0"], "leaves no step"),
    "negative padding": (
        ["p", *PHOTO, "--mask-image", "{dir}/mask.png", "--area-padding", "-1"],
        "Padding of the masked area is -1",
    ),
    "strength of no step": (["p", *PHOTO, "--strength", "0.01"], "leaves no step"),
    "strength too high": (["p", *PHOTO, "--strength", "1.5"], "Strength is 1.5"),
    "strength not a number": (["p", *PHOTO, "--strength", "nan"], "Strength is nan"),
    "scheduler": (["p", "--scheduler", "Magic"], "“Magic”.*Euler a.*UniPC"),
    "no steps": (["p", "--steps", "0"], "Steps is 0"),
    "too many steps": (["p", "--steps", "1000000"], "Steps is"),
    "guidance": (["p", "--guidance-scale", "inf"], "Guidance scale is inf"),
    "seed": (["p", "--seed", "-1"], "Seed is -1"),
    "large seed": (["p", "--seed", "9000000000000000000"], "Seed is"),
    "no width": (["p", "--width", "0", "--height", "64"], "1 pixel or more"),
    "negative height": (["p", "--width", "64", "--height", "-8"], "1 pixel or more"),
    "huge": (["p", "--width", "9000", "--height", "9000"], "larger than this model"),
    "count": (["p", "--count", "0"], "--count is 0"),
    "batch size": (["p", "--batch-size", "0"], "--batch-size is 0"),
    "a batch of two passes": (["p", "--hires", "2", "--batch-size", "2"], "one at a time"),
    "unknown model": (["p", "--model", "nonsense"], "no model called “nonsense”"),
    "no model folder": (["p", "--model", "{dir}"], "has no model_index.json"),
    "ending": (["p", "--output", "{dir}/a.tga"], "“a.tga” has no ending"),
    "output below a file": (["p", "--output", "{dir}/text.png/a.png"], "cannot be written"),
    "home below a file": (["p", "--home", "{dir}/text.png/home"], "cannot be written.*--home"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    name: str, pictures: Path, zoo: Zoo, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = REFUSALS[name]
    before = files_below(pictures)
    filled = [argument.format(dir=pictures) for argument in arguments]
    model = [] if "--model" in filled else ["--model", str(zoo("sd15"))]
    assert run(["generate", *filled, *model]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.strip().splitlines()
    assert len(lines) == 1, lines

    assert re.search(expected, lines[0]), lines[0]
    left = [file for file in files_below(pictures) if file not in before]
    assert [file for file in left if not file.startswith("home/state/")] == []


def test_torch_is_not_imported_for_a_refusal(zoo: Zoo, home: Path) -> None:
    program = (
        "import sys; sys.argv[1:] = []; from core.commands import run\n"
        f"code = run(['generate', '', '--model', {str(zoo('sd15'))!r}])\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'PySide6', 'cv2'} & set(sys.modules)\n"
        "print(code, sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "2 []"


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate"],
        ["generate", "p", "--steps", "many"],
        ["generate", "p", "--seed", "9" * 400],
        ["generate", "p", "--step", "3"],
        ["gallery"],
        ["paint"],
        [],
    ],
)
def test_arguments_that_make_no_sense_end_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "home"),
    [
        (["--home", "a", "generate", "p"], "a"),
        (["generate", "p", "--home", "a"], "a"),
        (["--home", "a", "generate", "p", "--home", "b"], "b"),
        (["--home", "a", "gallery", "list"], "a"),
        (["gallery", "list", "--home", "b"], "b"),
        (["doctor"], None),
    ],
)
def test_home_may_stand_before_or_after_the_command(arguments: list[str], home: str | None) -> None:
    assert parser().parse_args(arguments).home == (home and Path(home))


# ---------------------------------------------------------------- the request that is built


def a_request(zoo: Zoo, *arguments: str) -> tuple[GenerationRequest, list[str]]:
    words = io.StringIO()
    parsed = parser().parse_args(["generate", "a cat", *arguments])
    request = build(parsed, describe(zoo("sd15")), Terminal(None, words))
    request.validate(describe(zoo("sd15")).abilities)
    return request, words.getvalue().splitlines()


def test_without_a_size_the_models_own_counts(zoo: Zoo) -> None:
    request, words = a_request(zoo)
    native = describe(zoo("sd15")).abilities.native_size
    assert (request.size, request.denoising_size) == (native, native)
    assert words == []


def test_a_size_that_does_not_fit_is_kept_and_told(zoo: Zoo) -> None:
    request, words = a_request(zoo, "--width", "70", "--height", "101")
    assert (request.size, request.denoising_size) == (Size(70, 101), Size(72, 104))
    assert len(words) == 1
    assert "72 × 104" in words[0]
    assert "70 × 101" in words[0]


def test_one_side_alone_keeps_the_proportion(zoo: Zoo, pictures: Path) -> None:
    request, words = a_request(zoo, "--init-image", f"{pictures}/photo.png", "--width", "128")
    assert request.size == Size(128, 96)
    assert "64 × 48" in words[0]


def test_a_picture_decides_size_and_kind(zoo: Zoo, pictures: Path) -> None:
    request, words = a_request(zoo, "--init-image", f"{pictures}/photo.png", "--strength", "0.4")
    assert (request.kind, request.size, request.strength) == ("image-to-image", Size(64, 48), 0.4)
    assert np.array_equal(request.init_image, noise(0, 48, 64, 3))  # type: ignore[arg-type]
    mask = ["--mask-image", f"{pictures}/mask.png"]
    request, words = a_request(zoo, "--init-image", f"{pictures}/photo.png", *mask)
    assert request.kind == "inpainting"
    assert words == []


def test_a_seed_is_chosen_and_every_option_arrives(zoo: Zoo) -> None:
    seeds = {a_request(zoo)[0].seed for _ in range(3)}
    assert len(seeds) == 3
    request, _ = a_request(
        zoo,
        *["--seed", "4294967295", "--steps", "7", "--guidance-scale", "3.5"],
        *["--scheduler", "DPM++ 2M", "--negative-prompt", "dog"],
    )
    assert (request.seed, request.num_inference_steps, request.guidance_scale) == (
        2**32 - 1,
        7,
        3.5,
    )
    assert (request.scheduler, request.negative_prompt) == ("DPM++ 2M", "dog")


# ---------------------------------------------------------------- where pictures go


def an_output(target: str | None, **changes: Any) -> Output:
    values = {
        "output": target,
        "count": 1,
        "grid": False,
        "no_gallery": False,
        "json": False,
        "batch_size": 1,
        "compile": False,
    }
    return Output.of(argparse.Namespace(**(values | changes)))


def test_a_file_gets_numbers_from_the_second_on(tmp_path: Path) -> None:
    output = an_output(str(tmp_path / "a.b.png"))
    request = a_result().request
    names = [path.name for index in range(3) if (path := output.path(index, request))]
    assert names == ["a.b.png", "a.b-2.png", "a.b-3.png"]


@pytest.mark.parametrize("name", [".", "new", "new.d/"])
def test_a_folder_gets_files_named_by_date_and_seed(tmp_path: Path, name: str) -> None:
    target = str(tmp_path) if name == "." else f"{tmp_path}/{name}"
    path = an_output(target).path(0, a_result(seed=31).request)
    assert path is not None
    assert path.parent == Path(target)
    assert path.name.endswith("-31.png")


def test_without_an_output_the_gallery_has_the_only_copy() -> None:
    request = a_result().request
    assert an_output(None).path(0, request) is None
    alone = an_output(None, no_gallery=True).path(0, request)
    assert alone is not None
    assert alone.parent == Path()


def test_looking_whether_a_folder_can_be_written_creates_nothing(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        require_writable(tmp_path / "file" / "b")


# ---------------------------------------------------------------- gallery


@pytest.fixture
def kept(home: Path) -> Iterator[list[str]]:
    """Ids of two pictures in the gallery, oldest first."""
    with Gallery(Paths.find(home)) as gallery:
        yield [gallery.keep(a_result()).id, gallery.keep(an_inpainting()).id]


def test_list_and_search_name_pictures(kept: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gallery", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in lines] == [kept[1][:8], kept[0][:8]]
    assert run(["gallery", "search", "red", "APPLE", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["id"], found["seed"], found["size"]) == (kept[0], 31, [64, 64])
    assert run(["gallery", "list", "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == kept[1]


def test_show_gives_the_whole_record(kept: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gallery", "show", kept[1][:8]]) == 0
    shown = capsys.readouterr().out
    assert "a green pear\nNegative prompt: blurry\nSteps: 20" in shown
    assert run(["gallery", "show", kept[1], "--json"]) == 0
    record = json.loads(capsys.readouterr().out)["record"]
    assert record["request"]["frame"] == [-3, 4, 64, 48]


@pytest.mark.parametrize("action", ["show", "reuse"])
def test_an_unknown_picture_is_one_sentence(
    kept: list[str], action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["gallery", action, "ffffffff-none"]) == 2
    assert "no picture “ffffffff-none”" in capsys.readouterr().err


def test_reusing_without_the_inputs_says_what_is_missing(
    kept: list[str], home: Path, zoo: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(Paths.find(home).inputs)
    assert run(["gallery", "reuse", kept[1], "--model", str(zoo("sd15"))]) == 2
    assert "needs a picture to start from" in capsys.readouterr().err


# ---------------------------------------------------------------- the edge of the process


def test_a_bug_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    import core.commands as commands

    def break_down(*_: object) -> int:
        raise ZeroDivisionError("planted")

    arguments = argparse.Namespace(run=break_down, home=None)
    err = io.StringIO()
    assert commands._run(arguments, Terminal(None, err)) == 1
    assert "Traceback" in err.getvalue()
    assert "planted" in err.getvalue()


def test_a_command_leaves_no_log_handler(home: Path) -> None:
    assert run(["gallery", "list"]) == 0
    assert logging.getLogger(logs.ROOT).handlers == []
    assert Paths.find(home).log_file.exists()


def test_missing_streams_are_no_trouble() -> None:
    screen = Terminal(None, None)
    screen.print("x")
    screen.note("x")
    screen.progress(0.5, "x")
    screen.hang_up()


def test_the_bar_is_for_terminals_and_wiped_before_words() -> None:
    plain, terminal, out = io.StringIO(), FakeTerminal(), io.StringIO()
    for stream in (plain, terminal):
        screen = Terminal(out, stream)
        screen.progress(0.5, "3/6  0:02 left")
        screen.progress(1.0, "6/6")
        screen.print("result")
    assert plain.getvalue() == ""
    assert terminal.getvalue().count("\r") == 4
    assert terminal.getvalue().endswith("\r" + " " * len("[########################] 6/6") + "\r")
    assert out.getvalue() == "result\nresult\n"


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill cannot send SIGINT there")
def test_ctrl_c_asks_once_and_gives_the_old_handler_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stopped_by_ctrl_c() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGINT) is before
