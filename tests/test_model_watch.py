"""What happens to a model's files while a stack is up is told once."""

from pathlib import Path

from configs.settings import Settings
from deployments.model_watch import ModelWatch
from tests.conftest import TINY_YAML


def test_each_change_is_told_once(tiny: Path, settings: Settings) -> None:
    watch = ModelWatch(settings, ["tiny"])
    assert watch.news() == []
    tiny.write_text(TINY_YAML.replace("owner: tests", "owner: tests\nowner: twice"))
    (broken,) = watch.news()
    assert "tiny is broken" in broken
    assert f"{tiny}:4: this is not YAML" in broken
    assert watch.news() == []
    # another mistake is told again
    tiny.write_text(TINY_YAML.replace("owner: tests", "ownr: tests of it"))
    (broken,) = watch.news()
    assert "ownr: is an unknown key" in broken
    tiny.write_text(TINY_YAML)
    assert watch.news() == ["tiny can be read again, and is served"]
    assert watch.news() == []


def test_a_model_that_comes_or_goes_is_told_too(tiny: Path, settings: Settings) -> None:
    other = settings.models / "other.yaml"
    other.write_text("name: other\nname: other\n")
    watch = ModelWatch(settings, ["tiny"])
    (broken,) = watch.news()
    assert "other is broken" in broken
    (settings.models / "other.py").write_text((settings.models / "tiny.py").read_text())
    other.write_text(TINY_YAML.replace("name: tiny", "name: other"))
    assert watch.news() == ["other can be read again, and is served"]
    (settings.models / "third.py").write_text((settings.models / "tiny.py").read_text())
    (settings.models / "third.yaml").write_text(TINY_YAML.replace("name: tiny", "name: third"))
    assert watch.news() == ["third is new, and is served"]
    other.unlink()
    assert watch.news() == ["other is gone: its deployments are paused"]
