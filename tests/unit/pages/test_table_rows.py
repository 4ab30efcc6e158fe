"""The data of the page."""

import json

from leopardnet.pages.table_rows import script_json


def test_script_json_comes_back_and_cannot_end_the_script():
    value = {"a": "</script>&\u2028"}
    assert json.loads(script_json(value)) == value and "<" not in script_json(value)
