"""Signing in as people do, with no scope around the request: lockout, second factor, first password, idle sessions."""

from datetime import timedelta

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.urls import reverse

from songhe.core.accounts import services
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import at, now
from songhe.core.scope.services import Scope, use
from songhe.core.testing.streets import street_of_anqing

PASSWORD = "松鹤-Evening-77"


@pytest.fixture
def clerk(transactional_db):
    with use(Scope.system()):
        area = street_of_anqing()
        return services.create_user(
            by=None,
            username="clerk",
            display_name="张敏",
            role=Role.STREET_CLERK,
            area=area,
            password=PASSWORD,
        )


def sign_in(client: Client, password: str = PASSWORD):
    return client.post(reverse("account_login"), {"login": "clerk", "password": password})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_signing_in_notes_the_time_and_writes_no_history(clerk):
    client = Client()
    assert sign_in(client).status_code == 302
    assert signed_in(client)
    with use(Scope.system()):
        assert User.objects.get(pk=clerk.pk).last_login is not None
        assert User.pgh_event_model.objects.filter(pgh_obj_id=clerk.pk).count() == 1


def test_five_wrong_passwords_lock_the_account_for_a_while(clerk):
    client = Client()
    for _ in range(5):
        answer = sign_in(client, "wrong-password")
    assert answer.status_code == 429
    sign_in(client)
    assert not signed_in(client)


def test_another_account_is_not_locked_with_it(clerk):
    client = Client()
    for _ in range(6):
        client.post(reverse("account_login"), {"login": "nobody", "password": "x"})
    sign_in(client)
    assert signed_in(client)


def test_staff_without_a_second_factor_set_one_up_first(clerk, settings):
    settings.STAFF_SECOND_FACTOR = True
    client = Client()
    sign_in(client)
    answer = client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057")
    assert (answer.status_code, answer.url) == (302, reverse("mfa_activate_totp"))
    assert client.get(answer.url, follow=True).status_code == 200


def test_the_second_factor_is_asked_for_and_kept_sealed(clerk, settings):
    settings.STAFF_SECOND_FACTOR = True
    secret = generate_totp_secret()
    with use(Scope.system()):
        TOTP.activate(clerk, secret)
        stored = Authenticator.objects.get(user=clerk).data["secret"]
    assert secret not in str(stored)
    assert get_adapter().decrypt(stored) == secret
    client = Client()
    answer = sign_in(client)
    assert (answer.status_code, answer.url) == (302, reverse("mfa_authenticate"))
    assert not signed_in(client)
    counter = next(iter(yield_hotp_counters_from_time()))
    client.post(reverse("mfa_authenticate"), {"code": format_hotp_value(hotp_value(secret, counter))})
    assert signed_in(client)
    assert client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404


def test_a_password_given_by_an_administrator_is_changed_first(clerk):
    with use(Scope.system()):
        given = services.reset_password(by=None, user=clerk)
    client = Client()
    sign_in(client, given)
    answer = client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057")
    assert (answer.status_code, answer.url) == (302, reverse("account_change_password"))
    client.post(
        reverse("account_change_password"), {"oldpassword": given, "password1": PASSWORD, "password2": PASSWORD}
    )
    assert client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404
    with use(Scope.system()):
        assert not User.objects.get(pk=clerk.pk).must_change_password
        assert User.pgh_event_model.objects.filter(pgh_obj_id=clerk.pk).count() == 3


def test_an_idle_session_ends(clerk, settings):
    client = Client()
    sign_in(client)
    start = now()
    with at(start):
        assert client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404
    with at(start + timedelta(seconds=settings.SESSION_IDLE_SECONDS - 60)):
        assert client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404
    with at(start + timedelta(seconds=2 * settings.SESSION_IDLE_SECONDS)):
        answer = client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057")
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("account_login"))
    assert not signed_in(client)


def test_a_closed_account_is_out_at_once(clerk):
    client = Client()
    sign_in(client)
    with use(Scope.system()):
        services.deactivate(by=None, user=clerk)
    assert client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 302


def test_nobody_opens_an_account_for_themselves(transactional_db):
    client = Client()
    client.post(reverse("account_signup"), {"username": "stranger", "password1": PASSWORD, "password2": PASSWORD})
    with use(Scope.system()):
        assert not User.objects.filter(username="stranger").exists()


def test_a_form_sent_by_an_idle_session_leads_back_to_the_forms_page(clerk, settings):
    client, start = Client(), now()
    with at(start):
        sign_in(client)
        client.get("/files/01890a5d-ac96-774b-bcce-b302099a8057")
    headers = {"referer": "http://testserver/console/elders/elder/?page=2"}
    with at(start + timedelta(seconds=2 * settings.SESSION_IDLE_SECONDS)):
        answer = client.post("/console/search/", {"q": "x"}, headers=headers)
    assert answer.url == f"{reverse('account_login')}?next=/console/elders/elder/%3Fpage%3D2"
