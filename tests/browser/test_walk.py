"""One elder's month in Anqing, through the pages and in the hands of the people whose work it is.

``SONGHE_PICTURES=docs/images`` keeps the pictures of ``docs/walkthrough.md``.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from stdnum.cn import ric

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME, PHONE = "王桂芝", "13900001111"
HOME = {"latitude": 30.5401, "longitude": 117.0502}
FAR_AWAY = {"latitude": 30.5701, "longitude": 117.0502}
# What she needs help with; everything else she does by herself.
WORSE = {"B.1.3": 0, "B.1.4": 1, "B.2.3": 1, "B.2.4": 0, "B.3.4": 2, "B.4.3": 0}


def morning():
    """Ten o'clock today, whatever the time is."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=10, minute=0, second=0, microsecond=0)


def number():
    body = f"340802{morning().year - 76}0301102"
    return body + ric.calc_check_digit(body + "0")


@pytest.fixture
def paper(tmp_path):
    """A scanned paper and a photo, as a phone takes them."""
    file = tmp_path / "凭证.png"
    Image.new("RGB", (1200, 900), "#dfe8e2").save(file)
    return file


def look(visitor, picture=None):
    """Find no fault with the page, and keep its picture."""
    visitor.sound()
    if picture:
        visitor.picture(picture)


def leave(visitor):
    visitor.context.close()


def open_row(visitor, path, text):
    """Search a list and open the row found."""
    visitor.goto(path)
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST"):
        visitor.page.locator("#list-q").fill(text)
    link = visitor.page.locator("#rows tbody tr").filter(has_text=text).first.locator("a.row-link")
    with visitor.page.expect_navigation():
        link.click()


def found(visit):
    """The community's clerk finds and enters her; a slip in the number is told, and costs nothing that was typed."""
    clerk = visit("community")
    look(clerk, "01-home")
    clerk.goto("/console/elders/elder/")
    clerk.press("新建老年人")
    look(clerk)
    right = number()
    wrong = right[:-1] + ("1" if right[-1] != "1" else "2")
    clerk.fill(姓名=NAME, 证件号码=wrong, 联系电话=PHONE, 居住地址="人民路1号", 居住状况="独居")
    clerk.fill(户籍区划="吴樾居委会", 户籍地址="人民路1号")
    clerk.fill(纬度=HOME["latitude"], 经度=HOME["longitude"])
    clerk.press("保存")
    assert clerk.page.locator("#errors").inner_text().count("校验") == 1
    assert clerk.field("姓名").input_value() == NAME
    assert clerk.field("联系电话").input_value() == PHONE
    look(clerk, "02-wrong-number")
    clerk.fill(证件号码=right)
    clerk.press("保存")
    assert clerk.page.get_by_role("heading", name=NAME).count() == 1
    look(clerk)
    leave(clerk)


def in_difficulty(visit, paper):
    """The street records what she is due help for, with the paper that proves it, and a code for her door."""
    street = visit("street")
    open_row(street, "/console/elders/elder/", NAME)
    street.ask("登记困难类别")
    street.fill(困难类别="低保", 认定单位="迎江区民政局", 凭证编号="迎低保〔2026〕18号", 凭证扫描件=paper)
    look(street, "03-difficulty")
    street.press("登记困难类别")
    street.step("发放家门二维码")
    street.page.get_by_role("tab", name="家门二维码").click()
    street.page.locator(".door-code img").wait_for()
    look(street, "04-elder")
    leave(street)


def assessed(visit):
    """The clerk applies, the street assigns, 26 things are looked at, the street accepts, the county publishes."""
    clerk = visit("community")
    clerk.goto("/console/assessment/assessment/new/")
    clerk.fill(老年人=NAME, 评估原因="首次评估", 申请人=NAME)
    look(clerk)
    clerk.press("保存")
    leave(clerk)

    street = visit("street")
    open_row(street, "/console/assessment/assessment/", NAME)
    page = street.page.url
    street.ask("指派评估员")
    street.fill(主评估员="郑评估", 副评估员="冯评估")
    look(street, "05-assign")
    street.press("指派评估员")
    leave(street)

    assessor = visit("assessor1", width=390)
    assessor.goto("/field/")
    look(assessor)
    with assessor.page.expect_navigation():
        assessor.page.locator("a.card").filter(has_text=NAME).click()
    assessor.press("提交评估")
    assert "还不能提交" in assessor.page.locator("#errors").inner_text()
    for item in assessor.page.locator("fieldset").all():
        code = item.locator("input").first.get_attribute("name")
        score = WORSE.get(code)
        choice = item.locator("input").first if score is None else item.locator(f'input[value="{score}"]')
        choice.check()
    assessor.fill(信息提供者=NAME, 与老年人关系="本人")
    assert "26 项都已填" in assessor.page.locator("[data-answered]").inner_text()
    assessor.page.locator("fieldset").nth(2).scroll_into_view_if_needed()
    look(assessor, "06-bedside")
    assessor.press("提交评估")
    look(assessor)
    leave(assessor)

    for role, step in (("street", "复核通过"), ("county", "公示生效")):
        official = visit(role)
        official.goto(page.removeprefix(official.site.address))
        official.step(step)
        look(official, "07-level" if role == "county" else None)
        if role == "county":
            report = official.page.get_by_role("link", name="评估报告").get_attribute("href")
            assert official.context.request.get(report).body().startswith(b"%PDF")
        leave(official)


def entitled(visit):
    """The street decides; the page says why and by which clause; the month's credit is opened."""
    street = visit("street")
    street.goto("/console/policy/decision/new/")
    street.page.locator("select[name=policy]").select_option(index=1)
    street.fill(老年人=NAME)
    look(street)
    street.press("保存")
    told = street.page.locator("#main").inner_text()
    for words in ("符合条件", "200.00", "低保", "政府购买居家养老服务实施办法"):
        assert words in told
    look(street, "08-why")
    open_row(street, "/console/policy/entitlement/", NAME)
    street.step("开立本月额度")
    look(street)
    open_row(street, "/console/policy/credit/", NAME)
    assert "200.00" in street.page.locator("#main").inner_text()
    look(street)
    leave(street)


def called_in(visit, day):
    """She calls 12349 and is known by her number; the order is placed and dispatched while she holds the line."""
    operator = visit("operator")
    operator.goto("/hotline/")
    look(operator)
    operator.page.get_by_label("来电号码").fill("139 0000 1111")
    operator.press("接听")
    caller = operator.page.locator("#main").inner_text()
    assert NAME in caller and "200.00" in caller
    operator.fill(服务项目="日常保洁", 期望时间=f"{day + timedelta(hours=4):%Y-%m-%dT%H:%M}", 备注="门铃坏了，请敲门")
    look(operator, "09-hotline")
    operator.press("下单并派单")
    assert "已派" in operator.page.locator(".alert-success[role=status]").inner_text()
    look(operator)
    leave(operator)


def visited(visit, site, day, paper):
    """Her carer comes, but the phone says it is three kilometres away; an hour later it is told what was done."""
    staff, provider, first, last = (
        site.one(
            f"SELECT {part} FROM visits_visit JOIN elders_elder ON elders_elder.id = elder_id WHERE name = %s", NAME
        )
        for part in ("staff_id", "visits_visit.provider_id", "lower(planned)", "upper(planned)")
    )
    # The demonstration has one account for a carer and one for a manager; they are those of whom the engine chose.
    site.change("UPDATE accounts_user SET staff_id = %s, provider_id = %s WHERE username = 'carer'", staff, provider)
    site.change("UPDATE accounts_user SET provider_id = %s WHERE username = 'provider'", provider)
    site.set_clock(first)
    carer = visit("carer", width=390)
    carer.context.grant_permissions(["geolocation"])
    carer.context.set_geolocation(FAR_AWAY)
    carer.goto("/field/")
    look(carer, "10-day")
    with carer.page.expect_navigation():
        carer.page.locator("a.card").filter(has_text=NAME).click()
    carer.page.get_by_text("已定位").wait_for()
    look(carer, "11-door")
    carer.press("签到，开始服务")
    look(carer)
    leave(carer)

    site.set_clock(last + timedelta(minutes=2))
    carer = visit("carer", width=390)
    carer.context.grant_permissions(["geolocation"])
    carer.context.set_geolocation(HOME)
    carer.goto("/field/")
    with carer.page.expect_navigation():
        carer.page.locator("a.card").filter(has_text=NAME).click()
    carer.fill(服务记录="厨房和卫生间已打扫，灯泡换了一个。", 现场照片=paper)
    sign(carer.page)
    look(carer, "12-signature")
    carer.press("签退，结束服务")
    assert "服务完成" in carer.page.locator(".alert-success[role=status]").inner_text()
    look(carer)
    leave(carer)


def sign(page):
    """Draw a signature with the pointer."""
    pad = page.locator("canvas[data-signature]")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    x, y = box["x"], box["y"]
    page.mouse.move(x + 60, y + 40)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(x + 60 + step * 14, y + 40 + (step % 3) * 30)
    page.mouse.up()


def verified(visit, site):
    """The rules doubt what they cannot explain; a person looks at it and judges."""
    site.work()
    street = visit("street")
    open_row(street, "/console/visits/visit/", NAME)
    told = street.page.locator("#main").inner_text()
    assert "存疑待判" in told and "签到地点" in told
    for shown in ("现场照片", "老人签字"):
        assert street.page.get_by_alt_text(shown).evaluate("image => image.complete && image.naturalWidth > 0")
    look(street, "13-doubt")
    street.step("判定属实", 理由="已电话核实：手机定位漂移，护理员确实到家服务。")
    assert "已核验" in street.page.locator("h1").inner_text()
    look(street)
    leave(street)


def settled(visit, site, day):
    """When the month is over it is drawn, agreed to, checked, approved and paid, each by somebody else."""
    after = (day.replace(day=1) + timedelta(days=32)).replace(day=3, hour=9)
    site.set_clock(after)
    county = visit("county")
    county.goto("/console/settlement/statement/")
    county.press("生成结算单")
    look(county)
    county.fill(结算月份=f"{day:%Y-%m}")
    county.press("生成")
    site.work()
    provider = site.one(
        "SELECT name FROM providers_provider WHERE id = (SELECT provider_id FROM accounts_user"
        " WHERE username = 'provider')"
    )
    statement = site.one(
        "SELECT settlement_statement.number FROM settlement_statement JOIN providers_provider p ON p.id = provider_id"
        " WHERE p.name = %s AND month = %s",
        provider,
        day.date().replace(day=1),
    )
    for role, step, picture in (
        ("county", "发送服务商", "14-statement"),
        ("provider", "确认无误", None),
        ("checker", "审核通过", None),
        ("approver", "审批通过", "15-approved"),
    ):
        person = county if role == "county" else visit(role)
        open_row(person, "/console/settlement/statement/", statement)
        look(person)
        person.step(step)
        look(person, picture)
        leave(person)

    cashier = visit("cashier")
    cashier.goto("/console/payments/batch/new/")
    cashier.page.locator("select[name=pot]").select_option(label="市级财政养老资金")
    look(cashier)
    cashier.press("保存")
    cashier.ask("确认付款")
    cashier.fill(付款日期=f"{after:%Y-%m-%d}")
    look(cashier, "16-pay")
    cashier.press("确认付款")
    look(cashier)
    leave(cashier)
    assert site.one("SELECT state FROM settlement_statement WHERE number = %s", statement) == "paid"


def seen(visit, site, day):
    """The leader reads a figure and follows it down to the rows it counts."""
    site.set_clock(day + timedelta(hours=9))
    leader = visit("leader")
    leader.goto("/screen/")
    leader.page.locator(".maplibregl-canvas").wait_for()
    look(leader, "17-screen")
    tile = leader.page.locator("a.tile").filter(has_text="本月已核验服务")
    figure = int(tile.locator(".tile-number").inner_text().split("人")[0].replace(",", ""))
    with leader.page.expect_navigation():
        tile.click()
    assert f"共 {figure} 条" in leader.page.locator(".list-count").inner_text()
    look(leader, "18-rows")
    leave(leader)


def test_one_elder_lives_a_month_in_anqing(visit, live_site, paper):
    day = morning()
    live_site.set_clock(day)
    found(visit)
    in_difficulty(visit, paper)
    assessed(visit)
    entitled(visit)
    called_in(visit, day)
    visited(visit, live_site, day, paper)
    verified(visit, live_site)
    settled(visit, live_site, day)
    seen(visit, live_site, day)
