"""Keys are in one table, which is also the help."""

import re
from importlib.resources import files

SCRIPTS = {
    file.name: file.read_text()
    for file in (files("producer_api.web") / "static" / "scripts").iterdir()
    if file.name.endswith(".js")
}


def test_no_script_handles_a_key_beside_the_table() -> None:
    handling = {
        name
        for name, text in SCRIPTS.items()
        if re.search(r"\b(key|keyCode|code|which)\b\s*[!=]==?|event\.key", text)
    }
    assert handling == {"keys.js"}


def test_each_key_of_the_table_says_what_it_does_and_is_there_once() -> None:
    rows = re.findall(r"\{ keys: \"(.+?)\", (.+) \},", SCRIPTS["keys.js"])
    keys = [key for key, _ in rows]
    assert len(keys) == len(set(keys)) == SCRIPTS["keys.js"].count("{ keys: ")
    assert all('what: "' in rest for _, rest in rows)
    begun = {key.split()[0] for key in keys if " " in key}
    assert not begun & set(keys), "a key that begins two has no meaning of its own"
