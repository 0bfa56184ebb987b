"""`--tz`: zones by name, the machine's own one, and words for those that there are not."""

from pathlib import Path

import pytest

from schedsync.cli.zones import local_name


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """What a machine's zone is a link to, in a folder of zones of its own."""
    there = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    there.parent.mkdir(parents=True)
    there.touch()
    link = tmp_path / "localtime"
    link.symlink_to(there)
    return link


@pytest.mark.parametrize("variable", ["Asia/Tokyo", ":Asia/Tokyo", "/usr/share/zoneinfo/posix/Asia/Tokyo"])
def test_the_variable_wins(link: Path, variable: str) -> None:
    assert local_name({"TZ": variable}, link=link) == "Asia/Tokyo"


def test_else_it_is_what_the_machine_links_to(link: Path) -> None:
    assert local_name({}, link=link) == "Europe/Berlin"
    assert local_name({"TZ": ""}, link=link) == "Europe/Berlin"


def test_a_copy_of_a_zone_has_its_name_beside_it(tmp_path: Path) -> None:
    copy, file = tmp_path / "localtime", tmp_path / "timezone"
    copy.touch()
    with pytest.raises(ValueError, match='write its IANA name, such as "Europe/Berlin"'):
        local_name({}, link=copy, file=file)
    file.write_text("America/New_York\n")
    assert local_name({}, link=copy, file=file) == "America/New_York"


def test_without_any_it_is_utc(tmp_path: Path) -> None:
    assert local_name({}, link=tmp_path / "nothing") == "UTC"


def test_a_variable_that_is_no_name_says_so(link: Path) -> None:
    with pytest.raises(ValueError, match='the variable TZ names no zone: "CET-1CEST" is not a time zone'):
        local_name({"TZ": "CET-1CEST"}, link=link)
