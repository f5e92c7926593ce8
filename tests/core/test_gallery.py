"""What was made is kept whole, found again, and can be made again."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.errors import InvalidRequest, StorageFailed
from core.gallery import Gallery, migrations
from core.geometry import Size
from core.images import read_image
from core.metadata import read_infotext, read_record
from core.settings import Paths
from tests.helpers.results import a_result, an_inpainting

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.find(tmp_path / "home")


@pytest.fixture
def gallery(paths: Paths) -> Iterator[Gallery]:
    with Gallery(paths) as opened:
        yield opened


def files_below(folder: Path) -> list[str]:
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())


# ---------------------------------------------------------------- keeping


def test_a_kept_result_is_a_picture_with_its_record_and_a_row(gallery: Gallery) -> None:
    result = a_result()
    item = gallery.keep(result)
    assert np.array_equal(read_image(item.path), result.image)
    assert item.path.parent.name == f"{item.created:%Y-%m}"
    assert item.path.name == f"{item.created:%Y%m%d-%H%M%S}-31-{item.id[:8]}.png"
    assert read_record(item.path) == item.record
    assert (read_infotext(item.path) or "").startswith("a red apple\nNegative prompt:")
    assert item.thumbnail.exists()
    assert gallery.get(item.id) == item
    assert gallery.get(item.id[:8]) == item
    assert (item.seed, item.size, item.seconds) == (31, Size(64, 64), 1.25)
    assert item.id == result.request.id
    assert item.record["facts"] == {"torch": "2.13.0"}


def test_a_request_comes_back_with_its_pixels(gallery: Gallery) -> None:
    result = an_inpainting()
    item = gallery.keep(result)
    back = gallery.request(item.id)
    assert back.to_dict() | {"id": ""} == result.request.to_dict() | {"id": ""}
    assert back.id != result.request.id
    assert back.init_image is not None
    assert back.mask_image is not None
    assert np.array_equal(back.init_image, result.request.init_image)
    assert np.array_equal(back.mask_image, result.request.mask_image)
    assert item.changed_outside_mask == 0


def test_inputs_are_kept_once(gallery: Gallery, paths: Paths) -> None:
    for seed in range(3):
        gallery.keep(an_inpainting(seed))
    assert len(list(paths.inputs.glob("*.png"))) == 2


@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_lost_or_changed_inputs_are_left_out(gallery: Gallery, paths: Paths, harm: str) -> None:
    item = gallery.keep(an_inpainting())
    for file in paths.inputs.glob("*.png"):
        file.unlink() if harm == "lost" else shutil.copy(item.path, file)
    back = gallery.request(item.id)
    assert back.init_image is None
    assert back.prompt == "a green pear"


def test_the_same_request_twice_is_two_pictures(gallery: Gallery) -> None:
    result = a_result()
    first, second = gallery.keep(result), gallery.keep(result)
    assert first.id != second.id
    assert first.path.exists()
    assert second.path.exists()
    assert gallery.count() == 2


def test_an_id_that_is_a_path_never_becomes_one(gallery: Gallery, paths: Paths) -> None:
    result = a_result()
    item = gallery.keep(replace(result, request=replace(result.request, id="../../../etc/x")))
    assert "/" not in item.id
    assert paths.pictures in item.path.parents
    assert paths.thumbnails in item.thumbnail.parents


@pytest.mark.parametrize(
    "prompt", ["\ud800 broken", "nul \0 inside", "雪 🍎 é", "a\r\nb", "'); --"]
)
def test_any_prompt_can_be_kept(gallery: Gallery, prompt: str) -> None:
    item = gallery.keep(a_result(prompt))
    assert gallery.get(item.id).prompt == prompt
    assert gallery.request(item.id).prompt == prompt
    record = read_record(item.path)
    assert record is not None
    assert record["request"]["prompt"] == prompt


# ---------------------------------------------------------------- listing and searching


def test_pages_run_from_newest_to_oldest(gallery: Gallery) -> None:
    ids = [gallery.keep(a_result(seed=seed)).id for seed in range(7)]
    first = [item.id for item in gallery.items(limit=3)]
    second = [item.id for item in gallery.items(limit=3, before=first[-1])]
    third = [item.id for item in gallery.items(limit=3, before=second[-1])]
    assert first + second + third == ids[::-1]
    assert gallery.items(limit=3, before=third[-1]) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", {1, 2, 3, 4}),
        ("APPLE", {1, 2}),
        ("apple red", {1}),
        ("pp", {1, 2}),
        ("雪", {3}),
        ("re ap", {1, 2}),
        ("ppl gree", {2}),
        ("zebra", set()),
        ("100%", {4}),
        ("0%", {4}),
        ("_", {4}),
        ('"quoted"', {4}),
        ('"', {4}),
        ("GRÜN", {3}),
        ("a* OR red", set()),
        ("NEAR(", set()),
        ("red apple \0", {1}),
    ],
)
def test_search_finds_prompts_with_every_word(
    gallery: Gallery, search: str, found: set[int]
) -> None:
    prompts = ["a red apple", "a green apple tree", "grün und 雪", '100% under_score "quoted"']
    for seed, prompt in enumerate(prompts, start=1):
        gallery.keep(a_result(prompt, seed))
    assert {item.seed for item in gallery.items(search=search)} == found
    assert gallery.count(search) == len(found)


def test_an_unknown_or_shared_start_of_an_id_is_one_sentence(gallery: Gallery) -> None:
    for tail in ("1", "2"):
        result = a_result()
        gallery.keep(replace(result, request=replace(result.request, id="abcdefgh" + tail)))
    with pytest.raises(StorageFailed, match="more than one"):
        gallery.get("abcdefgh")
    for unknown in ("zzz", "", "%"):
        with pytest.raises(StorageFailed, match="no picture"):
            gallery.get(unknown)


def test_a_page_of_a_frequent_word_is_cut_where_the_last_one_ended(gallery: Gallery) -> None:
    ids = [gallery.keep(a_result(f"a red apple {seed}", seed)).id for seed in range(5)]
    gallery.delete(ids[2])
    first = [item.id for item in gallery.items(limit=2, search="apple")]
    second = [item.id for item in gallery.items(limit=9, search="apple", before=first[-1])]
    assert first + second == [ids[4], ids[3], ids[1], ids[0]]
    assert gallery.count("apple") == 4
    assert gallery.count("apple", trashed=True) == 1


# ---------------------------------------------------------------- trash


def test_a_deleted_picture_lies_in_the_trash_and_comes_back(gallery: Gallery, paths: Paths) -> None:
    item = gallery.keep(a_result())
    content = item.path.read_bytes()
    gallery.delete(item.id)
    assert gallery.items() == []
    assert gallery.count() == 0
    assert not item.path.exists()
    assert [kept.name for kept in paths.trash.iterdir()] == [item.path.name]
    trashed = gallery.get(item.id)
    assert trashed.trashed
    assert trashed.path.read_bytes() == content
    assert gallery.items(trashed=True) == [trashed]
    assert gallery.restore(item.id) == item
    assert item.path.read_bytes() == content
    assert gallery.items() == [item]


def test_deleting_and_restoring_twice_is_the_same_as_once(gallery: Gallery) -> None:
    item = gallery.keep(a_result())
    for _ in range(2):
        gallery.delete(item.id)
    for _ in range(2):
        assert gallery.restore(item.id) == item


def test_a_delete_that_was_killed_half_way_can_be_taken_back(
    gallery: Gallery, paths: Paths
) -> None:
    item = gallery.keep(a_result())
    gallery.delete(item.id)
    (paths.trash / item.path.name).rename(item.path)
    assert gallery.items() == []
    assert gallery.restore(item.id) == item
    assert item.path.exists()


def test_a_delete_that_cannot_move_the_file_changes_nothing(gallery: Gallery, paths: Paths) -> None:
    item = gallery.keep(a_result())
    paths.trash.write_text("a file where the folder should be")
    with pytest.raises(StorageFailed, match="could not be moved"):
        gallery.delete(item.id)
    assert gallery.items() == [item]
    assert item.path.exists()


def test_a_trash_that_was_emptied_by_hand_is_one_sentence(gallery: Gallery, paths: Paths) -> None:
    item = gallery.keep(a_result())
    gallery.delete(item.id)
    shutil.rmtree(paths.trash)
    with pytest.raises(StorageFailed, match="could not be moved"):
        gallery.restore(item.id)


# ---------------------------------------------------------------- the index is only an index


def test_a_lost_index_is_made_again_from_the_pictures(paths: Paths) -> None:
    with Gallery(paths) as gallery:
        items = [gallery.keep(a_result(f"picture {seed}", seed)) for seed in range(4)]
        inpainted = gallery.keep(an_inpainting())
        gallery.delete(items[1].id)
    paths.gallery_file.unlink()
    with Gallery(paths) as gallery:
        expected = [inpainted, items[3], items[2], items[0]]
        assert gallery.items() == expected
        assert [item.id for item in gallery.items(trashed=True)] == [items[1].id]
        assert gallery.items(search="picture 3") == [items[3]]
        assert gallery.request(inpainted.id).mask_image is not None
        assert gallery.restore(items[1].id) == items[1]


def test_rebuild_follows_files_that_a_person_moved(gallery: Gallery, paths: Paths) -> None:
    moved, removed, kept = (gallery.keep(a_result(seed=seed)) for seed in range(3))
    target = paths.pictures / "favourites" / "the best one.png"
    target.parent.mkdir()
    moved.path.rename(target)
    removed.path.unlink()
    (paths.pictures / "favourites" / "holiday.png").write_bytes(b"no picture of ours")
    assert gallery.rebuild() == 2
    assert [item.id for item in gallery.items()] == [kept.id, moved.id]
    assert gallery.get(moved.id).path == target


def test_a_thumbnail_is_made_again(gallery: Gallery) -> None:
    item = gallery.keep(a_result())
    item.thumbnail.unlink()
    assert gallery.thumbnail(item.id) == item.thumbnail
    assert item.thumbnail.exists()


def test_a_damaged_index_is_set_aside_and_made_again(
    paths: Paths, expected_log: Callable[[str], None]
) -> None:
    expected_log("set aside")
    with Gallery(paths) as gallery:
        item = gallery.keep(a_result())
    paths.gallery_file.write_bytes(b"this was a database once " * 400)
    with Gallery(paths) as gallery:
        assert gallery.items() == [item]
    assert any(".damaged-" in file.name for file in paths.data.iterdir())


def test_a_picture_with_a_hostile_record_is_passed_over(gallery: Gallery, paths: Paths) -> None:
    from PIL import Image, PngImagePlugin

    good = gallery.keep(a_result())
    harms: list[object] = [
        {"id": "../../x"},
        {"created": "yesterday"},
        {"created": None},
        {"request": {}},
        {"request": good.request | {"kind": "magic"}},
        {"request": good.request | {"size": [1]}},
        {"request": good.request | {"seed": "x"}},
        {"seconds": []},
    ]
    for number, harm in enumerate(harms):
        chunks = PngImagePlugin.PngInfo()
        record = good.record | {"id": uuid.uuid4().hex} | dict(harm)  # type: ignore[call-overload]
        chunks.add_itxt("sfumato", json.dumps(record))
        Image.new("RGB", (8, 8)).save(paths.pictures / f"2026-11/{number}.png", pnginfo=chunks)
    assert gallery.rebuild() == 1


def test_a_newer_index_is_refused_and_left_alone(paths: Paths) -> None:
    Gallery(paths).close()
    with sqlite3.connect(paths.gallery_file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = paths.gallery_file.read_bytes()
    with pytest.raises(StorageFailed, match="newer Sfumato"):
        Gallery(paths)
    assert paths.gallery_file.read_bytes() == before


def test_a_newer_record_is_refused_in_words(gallery: Gallery) -> None:
    result = a_result()
    item = gallery.keep(result)
    with sqlite3.connect(gallery._paths.gallery_file) as connection:
        newer = item.record | {"request": item.request | {"schema": 99}}
        connection.execute("UPDATE items SET record = ?", (json.dumps(newer),))
    connection.close()
    with pytest.raises(InvalidRequest, match="schema 99"):
        gallery.request(item.id)


def test_an_older_index_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "gallery.sqlite"

    def add_stars(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE items ADD COLUMN stars INTEGER DEFAULT 0")

    connection = sqlite3.connect(file, isolation_level=None)
    assert migrations.migrate(connection, file) == 0
    assert migrations.migrate(connection, file, [*migrations.STEPS, add_stars]) == 1
    assert connection.execute("SELECT stars FROM items").fetchall() == []
    connection.close()
    assert (tmp_path / "gallery.sqlite.v1.bak").exists()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gallery.sqlite"

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (x)")
        connection.execute("nonsense")

    connection = sqlite3.connect(file, isolation_level=None)
    migrations.migrate(connection, file)
    with pytest.raises(sqlite3.OperationalError):
        migrations.migrate(connection, file, [*migrations.STEPS, fail])
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name='half'").fetchall() == []
    connection.close()


# ---------------------------------------------------------------- threads, disks, leftovers


def test_two_threads_share_one_gallery(gallery: Gallery) -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for number in range(8):
                item = gallery.keep(a_result(seed=seed * 100 + number, side=16))
                assert gallery.get(item.id) == item
                gallery.items(limit=5, search="apple")
        except BaseException as error:  # noqa: BLE001 - the edge of the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    gallery.rebuild()
    for thread in threads:
        thread.join()
    assert failures == []
    assert gallery.count() == 24


def test_two_galleries_share_one_home(gallery: Gallery, paths: Paths) -> None:
    with Gallery(paths) as other:
        first, second = gallery.keep(a_result(seed=1)), other.keep(a_result(seed=2))
        assert gallery.items() == other.items() == [second, first]


def test_closing_leaves_no_open_file(paths: Paths) -> None:
    gallery = Gallery(paths)
    gallery.keep(a_result())
    gallery.close()
    gallery.close()
    assert [f.name for f in paths.data.iterdir() if f.name.startswith("gallery")] == [
        "gallery.sqlite"
    ]
    assert not [file for file in psutil.Process().open_files() if str(paths.data) in file.path]


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed, match="--home"):
        Gallery(Paths.find(tmp_path / "file"))


@pytest.mark.parametrize("blocked", ["pictures", "inputs", "thumbnails"])
def test_a_folder_that_cannot_be_written_leaves_nothing(paths: Paths, blocked: str) -> None:
    with Gallery(paths) as gallery:
        folder = getattr(paths, blocked)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file where the folder should be")
        with pytest.raises(StorageFailed):
            gallery.keep(an_inpainting())
        assert gallery.count() == 0
        folder.unlink()
        home = paths.data.parent
        assert [f for f in files_below(home) if not f.startswith("data/gallery.sqlite")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE on Windows")
@pytest.mark.parametrize("limit", [500, 8_000, 20_000, 40_000])
def test_a_full_disk_leaves_nothing_half_written(paths: Paths, limit: int) -> None:
    with Gallery(paths) as gallery:
        kept = gallery.keep(a_result())
    before = files_below(paths.data.parent)
    program = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from core.errors import StorageFailed
from core.gallery import Gallery
from core.settings import Paths
from tests.helpers.results import a_result
gallery = Gallery(Paths.find(Path({str(paths.data.parent)!r})))
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    gallery.keep(a_result(side=160))
except StorageFailed as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("refused: "), done.stderr
    with Gallery(paths) as gallery:
        assert gallery.items() == [kept]
    assert files_below(paths.data.parent) == before


def test_unfinished_files_of_a_killed_program_are_swept(paths: Paths) -> None:
    with Gallery(paths) as gallery:
        item = gallery.keep(a_result())
    gone = _pid_that_is_gone()
    partial = paths.pictures / ".partial"
    (partial / f".x.png.{gone}.tmp").write_bytes(b"half")
    (partial / f".y.png.{os.getppid()}.tmp").write_bytes(b"of a program that still runs")
    (partial / f"{item.path.name}.{gone}.keeping").touch()
    with sqlite3.connect(paths.gallery_file) as connection:
        connection.execute("DELETE FROM items")
    connection.close()
    with Gallery(paths) as gallery:
        assert gallery.items() == [item]
    assert [f.name for f in partial.iterdir()] == [f".y.png.{os.getppid()}.tmp"]


def _pid_that_is_gone() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid
