"""Every ugly roll goes through: what is right comes in, what is wrong is named by line, column and cause."""

import pytest

from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.importing import selectors, services
from songhe.registers.elders.models import Elder
from songhe.registers.elders.tests.ugly import ROLLS


@pytest.mark.requirement("WZ-03")
@pytest.mark.parametrize("name", ROLLS)
def test_an_ugly_roll_goes_through(places, name):
    roll, street = ROLLS[name], places["street"]
    with use(Scope.area(street.code, street.upper)):
        if roll.refused:
            with pytest.raises(Refused, match=roll.refused):
                services.stage(data=roll.data, file_name=name, area=street, source="民政局")
            assert not Elder.objects.exists()
            return
        batch = services.stage(data=roll.data, file_name=name, area=street, source="民政局")
        mapping = roll.mapping or {int(column): key for column, key in batch.mapping.items()}
        services.map_columns(batch_id=batch.pk, mapping=mapping)
        services.look_over(batch_id=batch.pk)
        services.apply(batch_id=batch.pk)
        said = {row.number: selectors.complaint(row) for row in batch.rows.filter(verdict="wrong")}
        assert set(said) == set(roll.faults), said
        for number, sentences in roll.faults.items():
            assert [one for one in sentences if one not in said[number]] == [], said[number]
        assert set(Elder.objects.values_list("name", flat=True)) == roll.good


def test_there_are_enough_of_them():
    assert len(ROLLS) >= 30
