"""Names and addresses: what is found, and the one line where nothing is."""

import math

import pytest

from benchmark.addresses import find, imported
from benchmark.errors import UserError

KNOWN = {"root": math.sqrt}


def test_registered_names_and_addresses_are_found() -> None:
    assert find("function", "root", KNOWN) is math.sqrt
    assert find("function", "math:cos", KNOWN) is math.cos
    assert imported("thing", "collections:OrderedDict.fromkeys") is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rot", "unknown function 'rot'; did you mean 'root'"),
        ("nowhere:x", "'nowhere:x': module cannot be imported: no module named 'nowhere'"),
        ("nowhere:x", "'nowhere.py' is looked for in the current folder"),
        ("math.deeper:x", "no module named 'math.deeper'"),
        ("folder/nowhere.py:x", "did you mean 'folder.nowhere:x'"),
        ("math:sqr", "no 'sqr' in 'math'; did you mean 'sqrt'"),
        (".a:b", "module cannot be imported"),
        ("math:nothing", "no 'nothing' in 'math'"),
        ("math:pi", "expected a function, got float"),
    ],
)
def test_what_is_not_found_is_one_line(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as refused:
        find("function", name, KNOWN)
    assert "\n" not in str(refused.value)


def test_a_module_that_lacks_another_one_names_that_one(tmp_path, monkeypatch) -> None:
    (tmp_path / "lacking_module.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"'lacking_module:x'.*No module named 'no_such_library'"):
        imported("tracker", "lacking_module:x")
