"""Where things lie, and choices that survive a damaged file and a full disk."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from core.atomic import write_atomically
from core.errors import InvalidSetting, StorageFailed
from core.settings import Paths, Settings, load_settings, save_settings

CHOSEN = Settings(
    theme="light",
    checkpoint="starter",
    model_folders=("/models", "/more models"),
    prompts=("a red apple", "Grüße “…”"),
    sampling={"seed": 31, "strength": 0.75, "lock": True},
    window="AdnQywAD",
)


def test_a_home_holds_everything(tmp_path: Path) -> None:
    paths = Paths.find(tmp_path)
    folders = (paths.config, paths.data, paths.cache, paths.state, paths.pictures)
    files = (paths.settings_file, paths.gallery_file, paths.log_file, paths.lock_file)
    below = (paths.inputs, paths.trash, paths.thumbnails, paths.preview_maps)
    assert all(path.is_relative_to(tmp_path) for path in (*folders, *files, *below))
    assert len(set(folders)) == 5


def test_the_environment_names_a_home(home: Path, tmp_path: Path) -> None:
    assert Paths.find() == Paths.find(home)
    assert Paths.find(tmp_path / "other").data == tmp_path / "other" / "data"


def test_without_a_home_the_desktop_s_folders_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFUMATO_HOME")
    paths = Paths.find()
    assert paths.pictures.name == "Sfumato"
    assert "sfumato" in str(paths.config).lower()


def test_a_home_is_made_once_and_again(home: Path) -> None:
    paths = Paths.find()
    paths.make()
    paths.make()
    assert paths.pictures.is_dir()
    assert list(paths.pictures.iterdir()) == []


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(StorageFailed, match=r"file/config cannot be written .*--home"):
        Paths.find(in_the_way).make()


def test_settings_come_back_as_they_were(home: Path) -> None:
    file = Paths.find().settings_file
    save_settings(CHOSEN, file)
    assert load_settings(file) == CHOSEN
    assert "Grüße" in file.read_text(encoding="utf-8")


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == Settings()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"theme": 3}',
        b'{"prompts": 5}',
        b'{"sampling": [1]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_means_the_defaults(tmp_path: Path, damaged: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(damaged)
    assert load_settings(file) == Settings()


def test_what_a_newer_version_wrote_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"schema": 9, "theme": "light", "unheard_of": [1, 2]}))
    assert load_settings(file) == Settings(theme="light")


def test_a_folder_without_rights_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    assert load_settings(tmp_path / "settings.json") == Settings()


def test_prompts_are_kept_newest_first_and_once() -> None:
    settings = Settings()
    for prompt in ("a", "b", "a", "c"):
        settings = settings.with_prompt(prompt)
    assert settings.prompts == ("c", "a", "b")
    assert settings.with_prompt("d", keep=2).prompts == ("d", "c")


def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.json"
    write_atomically(file, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match=r"No space left on device.*Free some space"):
        write_atomically(file, b"new and longer")
    assert [f.name for f in tmp_path.iterdir()] == ["settings.json"]
    assert file.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(StorageFailed, match=r"in the way/settings\.json could not be written"):
        write_atomically(tmp_path / "in the way" / "settings.json", b"new")


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "settings.json"
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(undo_megabytes=15), "Undo cannot take 15 MB. Choose 16 to 4000 MB"),
        (Settings(undo_megabytes=4001), "Undo cannot take 4001 MB"),
        (Settings(timeline_megabytes=-1), "The timeline cannot take -1 MB. Choose 0 to 4000 MB"),
        (Settings(timeline_megabytes=9000), "The timeline cannot take 9000 MB"),
        (Settings(theme="pink"), "There is no theme “pink”. Choose dark, light or system."),
    ],
)
def test_what_cannot_hold_is_refused_in_a_sentence(settings: Settings, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said):
        settings.check(memory=8000)


def test_what_is_at_the_border_holds() -> None:
    Settings(undo_megabytes=16, timeline_megabytes=0).check(memory=8000)
    Settings(undo_megabytes=4000, timeline_megabytes=4000, theme="system").check(memory=8000)


def test_names_that_are_no_utf_8_come_back(tmp_path: Path) -> None:
    odd = Settings(recent_files=(os.fsdecode(b"/pictures/caf\xe9.png"), "/Gr\u00fc\u00dfe.png"))
    save_settings(odd, tmp_path / "settings.json")
    assert load_settings(tmp_path / "settings.json") == odd


def test_the_longest_name_is_written_and_a_longer_one_refused(tmp_path: Path) -> None:
    longest = tmp_path / ("a" * 251 + ".png")
    write_atomically(longest, b"picture")
    assert longest.read_bytes() == b"picture"
    with pytest.raises(StorageFailed, match="Give it a shorter name"):
        write_atomically(tmp_path / ("a" * 252 + ".png"), b"picture")
    assert list(tmp_path.iterdir()) == [longest]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and files have others")
def test_a_link_stays_a_link_and_a_file_keeps_its_rights(tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "settings.json", tmp_path / "settings.json"
    write_atomically(target, b"old")
    target.chmod(0o600)
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
