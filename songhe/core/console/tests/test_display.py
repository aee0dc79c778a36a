"""How the kit writes values."""

from songhe.core.console.display import Column, is_moment, is_number, write
from songhe.core.parameters.models import Parameter
from songhe.core.testing.paper import Paper


def test_a_mapping_is_written_as_pairs_not_as_python():
    assert write({"姓名": "name", "补贴": {"高龄": 80}}) == "姓名：name；补贴：高龄：80"
    assert write({}) == write(None)


def test_days_and_times_are_known_as_such():
    assert is_moment(Paper, Column("created_at"))
    assert is_moment(Parameter, Column("validity"))
    assert not is_moment(Paper, Column("subject"))


def test_what_is_computed_stands_to_the_right_where_its_column_says_so():
    assert is_number(Paper, Column("served", render=lambda paper: "3", number=True))
    assert not is_number(Paper, Column("served", render=lambda paper: "3"))
