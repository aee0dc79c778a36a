"""Whatever is asked, sensible or not, the interface answers as its description says, and never breaks."""

import schemathesis
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from songhe.faces.api.tests.conftest import ROOT

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def asked(drawn):
    operation, mode = drawn
    return operation.as_strategy(generation_mode=mode)


def test_whatever_is_asked_is_answered_as_described(county):
    schema = schemathesis.openapi.from_wsgi(f"{ROOT}/openapi.json", get_wsgi_application())
    operations = [found.ok() for found in schema.get_all_operations()]
    answers = set()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(st.sampled_from(operations), st.sampled_from(schemathesis.GenerationMode)).flatmap(asked))
    def ask(case):
        cache.clear()
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {county.text}"}, checks=CHECKS)
        answers.add(answer.status_code)

    ask()
    assert {200, 404, 422} <= answers
