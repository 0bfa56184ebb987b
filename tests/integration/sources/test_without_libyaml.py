"""Where PyYAML was built without libyaml, files say the same, only slower."""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
SPECS = ROOT / "tests/data/specs"

HIDE = 'import sys; sys.modules["yaml._yaml"] = None\n'
PARSE = """
import sys
from pathlib import Path
from schedsync.sources.job_file import parse_job_file

for file in sys.argv[1:]:
    parsed = parse_job_file(Path(file).read_bytes(), Path(file).name)
    print([job.digest for job in parsed.jobs], *map(str, parsed.problems), sep="\\n")
"""


def parse(script: str, *files: Path) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *files], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.splitlines()


def test_files_say_the_same() -> None:
    files = sorted(SPECS.glob("*.yaml"))
    assert parse(HIDE + PARSE, *files) == parse(PARSE, *files)
    assert yaml.__with_libyaml__


def test_its_limits_hold_too(tmp_path: Path) -> None:
    texts = {"half-a-character": 'x: "\\ud83d"', "deep": "[" * 5000}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    assert parse(HIDE + PARSE, *(tmp_path / f"{name}.yaml" for name in texts)) == [
        "[]",
        "half-a-character.yaml:1:4: this cannot be read as str; put it in quotes if it is text",
        "[]",
        "deep.yaml:1:50: this is nested more than 50 levels deep, or contains itself; write it flatter",
    ]
