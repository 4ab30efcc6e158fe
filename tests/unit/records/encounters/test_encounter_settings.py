import pytest
import yaml

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.records.encounters.encounter_settings import load_encounter_settings

SHIPPED = (configs_dir() / "records" / "encounters.yaml").read_text("utf-8")


def test_the_shipped_settings_say_where_each_speed_comes_from():
    settings = load_encounter_settings()
    assert {"leopard", "tiger", "sika_deer"} <= set(settings.speeds)
    assert all(speed.source and 50 <= speed.top_km_h <= 100 for speed in settings.speeds.values())
    assert settings.repeated.level == 0.05 and settings.flank_pair_s == 60


def test_a_copy_may_change_them(tmp_path):
    data = yaml.safe_load(SHIPPED) | {"speeds": {"lynx": {"top_km_h": 80, "source": "mine"}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data), "utf-8")
    assert load_encounter_settings(tmp_path / "mine.yaml").speeds["lynx"].top_km_h == 80


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_gap": 3}, "unknown setting 'max_gap'"),
        ({"max_gap_h": 0}, "invalid value of setting 'max_gap_h'"),
        ({"speeds": {"lynx": {"top_km_h": 80}}}, "the setting 'speeds.lynx.source' is missing"),
        ({"speeds": {"lynx": {"top_km_h": -1, "source": "x"}}}, "invalid value of setting 'speeds.lynx.top_km_h'"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, change, said):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(yaml.safe_load(SHIPPED) | change), "utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load_encounter_settings(tmp_path / "mine.yaml")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"[1, 2]", b"", b"max_gap_h: [", b"\xff\xfe\x00"])
def test_a_file_that_is_no_settings_is_one_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"settings of encounters") as caught:
        load_encounter_settings(tmp_path / "mine.yaml")
    assert str(tmp_path) not in str(caught.value)
