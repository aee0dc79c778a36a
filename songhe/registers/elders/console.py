"""The elders' pages in the console."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.listing import Listing
from songhe.core.console.pages import TIMELINE, Action, Column, Command, Pages, StepForm, Tab, View, badge, pages
from songhe.core.console.views.access import person, record
from songhe.registers.elders import effects, forms, life, rules, services
from songhe.registers.elders.importing.console import ImportPages
from songhe.registers.elders.labelling.console import LabelPages, LabelRulePages, badges
from songhe.registers.elders.labelling.selectors import label_filter
from songhe.registers.elders.models import (
    Consent,
    Contact,
    Difficulty,
    DifficultyKind,
    Disclosure,
    Elder,
    ElderState,
    FollowUp,
    Guardian,
    Household,
    LivingSituation,
)
from songhe.registers.elders.nearby import search_nearby
from songhe.registers.elders.past import past_of
from songhe.registers.elders.selectors import (
    difficulties_of,
    life_of,
    listed,
    namesakes,
    present_difficulties,
    search_elders,
    ways_to_elders,
    within_scope,
)

__all__ = ["ElderPages", "ImportPages", "LabelPages", "LabelRulePages"]

EDIT = "elders.edit"
ANY = "any"
AGE_BANDS = (
    ("60-69", "60–69 岁"),
    ("70-79", "70–79 岁"),
    ("80-89", "80–89 岁"),
    ("90-99", "90–99 岁"),
    ("100-", "百岁以上"),
    ("-59", "不满 60 岁"),
)
LEVEL_TONES = {"0": "green", "1": "azure", "2": "yellow", "3": "orange", "4": "red"}
LIVING_TONES = {
    "alone": "orange",
    "empty_nest": "yellow",
    "left_behind": "yellow",
    "with_spouse": "secondary",
    "with_children": "secondary",
    "institution": "azure",
    "other": "secondary",
}
DIFFICULTY_TONES = {"destitute": "red", "minimum_living": "orange", "disabled_severe": "red"}


def by_age(rows: QuerySet[Elder], _name: str, value: str) -> QuerySet[Elder]:
    """Keep the elders of an age band such as ``80-89``, in whole years today; one bound may be missing."""
    low, _dash, high = value.partition("-")
    day = today()
    if low:
        rows = rows.filter(birth_date__lte=_years_before(day, int(low)))
    if high:
        rows = rows.filter(birth_date__gt=_years_before(day, int(high) + 1))
    return rows


def _years_before(day: Any, years: int) -> Any:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def by_difficulty(rows: QuerySet[Elder], _name: str, value: str) -> QuerySet[Elder]:
    """Keep the elders in a kind of difficulty today, or in any."""
    found = within_scope(Difficulty.objects.filter(Difficulty.on(today()), elder=OuterRef("pk")))
    return rows.filter(Exists(found if value == ANY else found.filter(kind=value)))


def _difficulty_text(elder: Elder) -> str:
    return "、".join(difficulty.get_kind_display() for difficulty in present_difficulties(elder)) or "—"


def _difficulty_badges(elder: Elder) -> SafeString | str:
    rows = present_difficulties(elder)
    shown = [badge(row.get_kind_display(), DIFFICULTY_TONES.get(row.kind, "blue")) for row in rows]
    return SafeString(" ".join(shown)) or "—"


def _family(elder: Elder, user: User) -> dict[str, Any]:
    members = elder.household.members.exclude(pk=elder.pk) if elder.household else []
    return {
        "elder": elder,
        "contacts": elder.contacts.all(),
        "guardians": elder.guardians.all(),
        "members": members,
        "may_edit": user.may(EDIT),
    }


def _join(*, elder: Elder, other: Elder, number: str) -> Household:
    return services.form_household(elder_ids=[elder.pk, other.pk], number=number)


def _active(elder: Elder) -> bool:
    return elder.state == ElderState.ACTIVE


def _in_institution(elder: Elder) -> bool:
    return elder.living_situation == LivingSituation.INSTITUTION


def _alive(elder: Elder) -> bool:
    return elder.state not in (ElderState.DECEASED, ElderState.MERGED)


def past_view(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Show an elder's record as it was on a day."""
    elder = record(request, pages, pk)
    form = forms.PastForm(request.GET or {"on": today()})
    context = {"pages": pages, "object": elder, "form": form}
    if form.is_valid():
        context["past"] = past_of(elder, form.cleaned_data["on"], person(request))
    return render(request, "elders/past.html", context)


@pages
class ElderPages(Pages):
    model, room, noun, menu, icon, order = Elder, "elders", "elder", "老人档案", "users-group", 10
    title, explain = "老年人", "每位老人一份档案：身份、住址、家庭、困难类别、授权同意。"
    empty = "点“新建老年人”逐个建档，或点“导入名册”批量导入。"
    columns = [
        Column("name", order_by="name_pinyin"),
        "sex",
        Column("age", "年龄", order_by="-birth_date", needs=("birth_date", "death_date")),
        Column("area", "居住社区", order_by="area_id"),
        Column("living_situation", tones=LIVING_TONES),
        Column("difficulties", "困难类别", render=_difficulty_text, needs=()),
        Column("ability_level", tones=LEVEL_TONES),
        "phone",
        "state",
    ]
    more_columns = [
        "id_number",
        "birth_date",
        "ethnicity",
        "address",
        "registered_area",
        "registered_address",
        "ability_assessed_on",
        "registered_on",
        "remarks",
    ]
    queryset = listed
    search_nearby, search_ways = search_nearby, ways_to_elders
    search, search_hint, search_everywhere = search_elders, "姓名、拼音首字母、身份证号或电话", True
    select_related = ["area", "registered_area"]
    filters = [
        "area",
        "living_situation",
        (
            "difficulty",
            django_filters.ChoiceFilter(
                label="困难类别",
                choices=[(ANY, "任一困难类别"), *DifficultyKind.choices],
                method=by_difficulty,
                empty_label="全部",
            ),
        ),
        "ability_level",
        ("label", label_filter()),
        (
            "age_band",
            django_filters.ChoiceFilter(label="年龄段", choices=AGE_BANDS, method=by_age, empty_label="全部"),
        ),
        "state",
    ]
    ordering = ["-id"]
    facts = [
        "id_number",
        "phone",
        Column("age", "年龄"),
        Column("area.full_name", "居住社区"),
        Column("living_situation", tones=LIVING_TONES),
        Column("difficulties", "困难类别", render=_difficulty_badges),
        Column("ability_level", tones=LEVEL_TONES),
        "state",
        Column("labels", "标签", render=badges),
    ]
    form, edit_form, create, update = forms.RegisterForm, forms.AmendForm, services.register, services.amend
    extra_actions = [Action("导入名册", lambda: ImportPages().url("create"), "table-import", "elders.import")]
    tabs: ClassVar[list[Tab]] = [
        Tab("基本情况", "elders/_basics.html"),
        Tab("家庭与联系人", "elders/_family.html", _family),
        Tab(
            "困难类别",
            "elders/_difficulties.html",
            lambda elder, user: {"difficulties": difficulties_of(elder), "may_edit": user.may(EDIT)},
        ),
        Tab(
            "授权同意",
            "elders/_consents.html",
            lambda elder, user: {"consents": elder.consents.all(), "may_edit": user.may(EDIT)},
        ),
        Tab("提供登记", "elders/_disclosures.html", lambda elder, user: {"disclosures": elder.disclosures.all()}),
        Tab(
            "大事记",
            "elders/_life.html",
            lambda elder, user: {
                "events": life_of(elder),
                "residences": elder.residences.select_related("area"),
                "past_url": ElderPages().url("past", elder.pk),
            },
        ),
        TIMELINE,
    ]
    commands = [
        Command("difficulty", "登记困难类别", services.record_difficulty, EDIT, forms.DifficultyForm, only_if=_active),
        Command("contact", "添加联系人", services.link_contact, EDIT, forms.ContactForm, only_if=_alive),
        Command("guardian", "登记监护人", services.appoint_guardian, EDIT, forms.GuardianForm, only_if=_alive),
        Command("household", "编入同一户", _join, EDIT, forms.HouseholdForm, only_if=_active),
        Command("consent", "登记授权同意", services.give_consent, EDIT, forms.ConsentForm, only_if=_alive),
        Command("event", "登记住院等事件", services.note_event, EDIT, forms.EventForm, only_if=_alive),
        Command("bereave", "登记丧偶", life.bereave, EDIT, forms.BereavedForm, only_if=_active),
        Command(
            "enter",
            "登记入住机构",
            life.enter_institution,
            EDIT,
            forms.EnterForm,
            warning="用于本系统床位以外的机构。登记后，居家服务的周期订单终止，未开始的居家订单取消，待遇按新情况重新认定。",
            only_if=lambda elder: _active(elder) and not _in_institution(elder),
        ),
        Command(
            "leave",
            "登记离开机构",
            life.leave_institution,
            EDIT,
            forms.LeaveForm,
            only_if=lambda elder: _active(elder) and _in_institution(elder),
        ),
        Command("move", "变更居住地", services.move, EDIT, forms.MoveForm, only_if=_active),
        Command(
            "move-away",
            "登记迁出",
            services.move_away,
            EDIT,
            forms.MoveAwayForm,
            warning="迁出后，老人的待遇、照护计划终止，未用额度退回，未开始的订单取消；须追回、核对的列入善后事项。",
            only_if=_active,
        ),
        Command(
            "death",
            "登记去世",
            services.record_death,
            EDIT,
            forms.DeathForm,
            warning="登记后，老人的待遇、照护计划和入住终止，未用额度退回，未开始的订单取消；须追回、核对的列入善后事项。",
            only_if=_alive,
        ),
        Command(
            "reinstate",
            "恢复在册",
            services.reinstate,
            EDIT,
            forms.ReinstateForm,
            needs_reason=True,
            warning="去世登记有误的，原先终止的待遇、计划、床位等按原样恢复，取消的订单重新下单。",
            only_if=lambda elder: elder.state in (ElderState.MOVED_AWAY, ElderState.DECEASED),
        ),
    ]

    views: ClassVar[list[View]] = [View("<uuid:pk>/past/", "past", past_view)]

    @classmethod
    def add_tab(cls, tab: Tab) -> None:
        """Put another room's tab before the timeline; called when the room's ``console.py`` is imported."""
        if tab.label not in {present.label for present in cls.tabs}:
            cls.tabs.insert(len(cls.tabs) - 1, tab)

    @classmethod
    def add_command(cls, command: Command) -> None:
        """Give the elder's page another room's button."""
        if command.key not in {present.key for present in cls.commands}:
            cls.commands = [*cls.commands, command]

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Start a community clerk's form with their own community."""
        area = person(request).area
        return {"area": area} if obj is None and area is not None and area.level == area.Level.VILLAGE else {}

    def counted_elsewhere(self, listing: Listing) -> QuerySet[Any] | None:
        """Count those in one kind of difficulty by its rows: an elder is in it once at a time, and has its area."""
        kind = listing.params.get("difficulty", "")
        asked = listing.filterset.form.changed_data if listing.filterset is not None else []
        if listing.text or listing.parent is not None or asked != ["difficulty"] or kind not in DifficultyKind.values:
            return None
        return within_scope(Difficulty.objects.filter(Difficulty.on(today()), kind=kind))

    def editable(self, obj: Model, user: User) -> bool:
        """Close the records of those who died or left."""
        return isinstance(obj, Elder) and _active(obj) and self.may(user, "edit")

    def subtitle(self, obj: Model) -> str:
        """Say who it is in one line."""
        assert isinstance(obj, Elder)
        level = f" · {obj.get_ability_level_display()}" if obj.ability_level else ""
        return f"{obj.get_sex_display()} · {obj.age} 岁 · {obj.area.name} · {obj.get_living_situation_display()}{level}"

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Point out what needs a look."""
        assert isinstance(obj, Elder)
        if obj.state == ElderState.DECEASED:
            yield "info", f"老人已于 {obj.death_date} 去世。"
        elif obj.state == ElderState.MOVED_AWAY:
            yield "info", f"老人已于 {obj.moved_away_on} 迁出。"
        elif obj.state == ElderState.MERGED:
            yield "info", f"这份档案已并入{obj.merged_into}的另一份档案，名下业务请在那一份上办理。"
            return
        for sentence in rules.warnings(obj):
            yield "warning", sentence
        for twin in namesakes(obj):
            yield "warning", f"{twin.area.name}有同名且同日出生的{twin.name}，请核对是否为同一人。"
        for row in present_difficulties(obj):
            if row.review_on is not None and row.review_on <= today():
                yield "warning", f"“{row.get_kind_display()}”应于 {row.review_on} 复核。"


class _OfElder(Pages):
    """Pages of something that hangs on an elder: reached from the elder's page, not from the menu."""

    room = "elders"
    exportable = False
    permissions: ClassVar[dict[str, str]] = {}

    def after_save(self, obj: Model) -> str:
        """Lead back to the elder."""
        return ElderPages().url("detail", obj.elder_id)  # type: ignore[attr-defined]

    def subtitle(self, obj: Model) -> str:
        """Say whose it is."""
        return str(obj.elder)  # type: ignore[attr-defined]


ELDER = Column("elder.name", "老年人")


def _difficulty_open(row: Difficulty) -> bool:
    return row.validity.upper is None or row.validity.upper > today()


@pages
class DifficultyPages(_OfElder):
    model, noun, menu, icon, order = Difficulty, "difficulty", "老人档案", "heart-handshake", 20
    title, explain = "困难类别认定", "谁、因何种困难、由哪个单位认定、何时复核。"
    exportable = True
    columns = [
        ELDER, "kind", "grade", Column("area", "居住社区", order_by="area_id"), "source", "evidence", "validity",
        "review_on",
    ]  # fmt: skip
    more_columns = ["end_reason"]
    filters = ["kind", "area", "validity", "review_on"]
    ordering = ["-id"]
    select_related = ["elder", "area"]
    facts = [ELDER, "kind", "grade", "source", "evidence", "validity", "review_on", "end_reason"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    commands = [
        Command(
            "end", "终止认定", services.end_difficulty, EDIT, forms.EndDifficultyForm, needs_reason=True,
            only_if=_difficulty_open,
        )
    ]  # fmt: skip

    @staticmethod
    def queryset() -> QuerySet[Difficulty]:
        """Return the difficulties in scope."""
        return within_scope(Difficulty.objects.all())


def _amend_contact(*, contact_id: UUID, version: int | None, **data: Any) -> Contact:
    data.pop("user", None)
    return services.amend_contact(contact_id=contact_id, version=version, **data)


@require_POST
def remove_contact(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Remove a contact and lead back to the elder."""
    contact = record(request, pages, pk)
    services.remove_contact(contact_id=contact.pk)
    return redirect(ElderPages().url("detail", contact.elder_id))


@pages
class ContactPages(_OfElder):
    model, noun = Contact, "contact"
    columns = [ELDER, "name", "relation", "phone", "order", "is_emergency"]
    select_related = ["elder"]
    edit_form, update = forms.ContactForm, _amend_contact
    form = forms.ContactForm
    views = [View("<uuid:pk>/remove/", "remove", remove_contact, EDIT)]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]


@pages
class GuardianPages(_OfElder):
    model, noun = Guardian, "guardian"
    columns = [ELDER, "kind", "name", "relation", "phone", "id_number", "evidence", "validity"]
    select_related = ["elder"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    commands = [Command("end", "终止监护", services.end_guardian, EDIT, forms.EndDayForm)]


@pages
class ConsentPages(_OfElder):
    model, noun = Consent, "consent"
    columns = [ELDER, "purpose", "channel", "text_version", "given_by", "given_on", "withdrawn_on", "withdrawn_reason"]
    select_related = ["elder"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    commands = [
        Command(
            "withdraw",
            "撤回同意",
            services.withdraw_consent,
            EDIT,
            warning="撤回后，据此向服务商提供的信息同日停止。撤回无须说明理由。",
            only_if=lambda row: row.withdrawn_on is None,
        )
    ]


@pages
class DisclosurePages(_OfElder):
    model, noun, menu, icon, order = Disclosure, "disclosure", "老人档案", "share-3", 30
    title, explain = "提供登记", "向哪家服务商提供了哪位老人的信息、为何、依据什么（个人信息保护法第二十三条）。"
    columns = [ELDER, "recipient", "purpose", "basis", "since", "until", "end_reason"]
    select_related = ["elder"]
    filters = ["purpose", "since"]
    ordering = ["-id"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    commands = [
        Command(
            "end",
            "终止提供",
            services.end_disclosure,
            EDIT,
            warning="终止后，该服务商不再能看到这位老人。",
            needs_reason=True,
            only_if=lambda row: row.until is None,
        )
    ]


def _event_text(row: FollowUp) -> str:
    return str(row.event)


@pages
class FollowUpPages(_OfElder):
    model, noun, menu, icon, order = FollowUp, "follow-up", "老人档案", "checklist", 15
    title, explain = "善后事项", "去世、迁出、入住机构等大事之后，须追回、核对、另行安排的事。"
    empty = "没有善后事项。登记去世、迁出、入住机构等之后，须由人办理的会列在这里。"
    exportable = True
    columns = [
        ELDER, Column("area", "居住社区", order_by="area_id"), Column("event", "因何", render=_event_text), "kind",
        "what", "amount_fen", "state", "outcome",
    ]  # fmt: skip
    filters = ["state", "kind", "area"]
    totals = ["amount_fen"]
    ordering = ["-id"]
    select_related = ["elder", "area", "event"]
    under: ClassVar = {Elder: "elder"}
    tab_label = "善后事项"
    facts = [ELDER, Column("event", "因何", render=_event_text), "kind", "what", "amount_fen", "state", "outcome"]
    detail_actions = [Action("老人档案", lambda row: ElderPages().url("detail", row.elder_id), "user")]
    steps = {"settle": StepForm(run=effects.settle, primary=True), "drop": StepForm(run=effects.drop)}
    hidden_steps = ["void"]
    permissions: ClassVar[dict[str, str]] = {}

    @staticmethod
    def search(queryset: QuerySet[FollowUp], text: str) -> QuerySet[FollowUp]:
        """Find work by the elder."""
        return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))

    @staticmethod
    def queryset() -> QuerySet[FollowUp]:
        """Return the work in scope."""
        return within_scope(FollowUp.objects.all())
