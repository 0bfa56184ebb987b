"""Pages that list: steps of the loop, and days. One leads to the next."""

from playwright.sync_api import Page, expect

from tests.browser import files
from tests.browser.conftest import Opened, Site


def test_steps_say_what_they_changed_and_found(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/syncs")
    newest, third, second, first = (page.locator("section.step").nth(n) for n in range(4))
    expect(newest).to_contain_text("reports.yaml:6:35")
    expect(newest).to_contain_text("2 problems and 1 change held back")
    expect(third).to_contain_text("was shop.pictures")
    expect(second).to_contain_text("1 job updated")
    expect(first).to_contain_text("28 jobs added")
    expect(first.get_by_text("shop.stock-feed")).to_be_hidden()
    first.locator("summary").click()
    first.get_by_text("shop.stock-feed").click()
    expect(page).to_have_url(f"{seen.url}/jobs/shop.stock-feed")


def test_steps_are_paged(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/syncs?limit=3")
    expect(page.locator("section.step")).to_have_count(3)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("section.step")).to_have_count(1)
    expect(page.locator("section.step")).to_contain_text("28 jobs added")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("section.step")).to_have_count(3)


def test_a_new_step_appears_without_a_new_page(opened: Opened, site: Site) -> None:
    page = opened(site, "/syncs")
    expect(page.locator("section.step")).to_have_count(4)
    site.scene.write("reports.yaml", files.REPORTS)
    site.scene.step()
    expect(page.locator("section.step")).to_have_count(5)
    expect(page.locator("section.step").first).not_to_contain_text("problem")


def test_days_lead_to_each_other(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/day")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tuesday, 24 November 2026 UTC")
    page.locator("a[rel=next]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Wednesday, 25 November 2026")
    expect(page.locator(".day .coming").first).to_be_attached()
    expect(page.locator(".day .succeeded")).to_have_count(0)
    page.get_by_role("link", name="Today").click()
    page.locator("a[rel=prev]").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Monday, 23 November 2026")
    expect(page.locator(".day .succeeded").first).to_be_attached()
    expect(page.locator(".day .coming")).to_have_count(0)


def test_the_jobs_of_a_day_are_searched(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/day")
    page.get_by_role("searchbox").fill("dba-oncall")
    page.get_by_role("searchbox").press("Enter")
    ids = page.locator(".day tbody th")
    expect(ids).to_have_text(["erp.close-books", "erp.nightly-dump", "monitor.replication-lag"])
    page.locator("a[rel=next]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("25 November")
    expect(ids).to_have_text(["erp.close-books", "monitor.replication-lag"])


def test_a_day_says_in_words_what_it_shows(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/day")
    line = page.locator("[id='day-dwh.load-orders']")
    expect(line).to_contain_text("03:00 succeeded")
    page.get_by_text("In numbers", exact=True).first.click()
    expect(page.locator("table.numbers tbody tr")).to_have_count(24)


def test_a_mark_leads_to_its_run(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/day")
    page.locator("[id='day-dwh.forecast'] a rect").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("dwh.forecast")


def test_a_day_that_is_none_is_refused_in_words(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/day?date=2026-02-30")
    expect(page.locator("main")).to_contain_text('"2026-02-30" is not a day; write it like "2026-11-24"')


def ids(page: Page) -> list[str]:
    return page.locator("table.jobs td .id").all_inner_texts()


def test_jobs_are_searched_and_filtered(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/jobs")
    page.get_by_label("Search").fill("IMPORT")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.jobs tbody tr")).to_have_count(2)
    assert ids(page) == ["erp.order-import", "erp.price-import"]
    page.get_by_role("link", name="All jobs").click()
    page.get_by_label("State").select_option("paused")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.jobs tbody tr")).to_have_count(2)
    assert ids(page) == ["backup.mail", "shop.sitemap"]
    page.get_by_label("State").select_option("any")
    page.get_by_label("File").select_option("broken")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.jobs tbody tr .mark.warning")).to_have_count(2)
    assert ids(page) == ["reports.new-york", "reports.sales"]
    page.get_by_role("link", name="reports", exact=True).first.click()
    expect(page).to_have_url(f"{seen.url}/jobs?tag=reports")
    page.get_by_label("Owner").fill("nobody")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("main")).to_contain_text("No job is like that.")


def test_jobs_are_sorted_both_ways_and_paged(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/jobs?limit=10")
    page.get_by_role("link", name="Next run").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Next run")
    assert ids(page)[:2] == ["monitor.heartbeat", "shop.cache-warm"]
    page.get_by_role("link", name="Next run").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Next run")
    first = ids(page)
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="First page")).to_be_visible()
    assert len(ids(page)) == 10
    assert not set(first) & set(ids(page))


def test_jobs_are_searched_with_the_keyboard_and_without_scripts(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/jobs", script=False)
    page.get_by_label("Search").fill("dwh.fore")
    page.keyboard.press("Enter")
    expect(page.locator("table.jobs tbody tr")).to_have_count(1)
    page.get_by_role("link", name="dwh.forecast").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("dwh.forecast")


def test_runs_are_filtered_and_paged(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/runs")
    rows = page.locator("tbody tr")
    page.get_by_label("State").select_option("timed out")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("link", name="All runs")).to_be_visible()
    assert {text.split()[0] for text in rows.all_inner_texts()} == {"timed"}
    page.get_by_label("State").select_option("any")
    page.get_by_label("Cause").select_option("after")
    page.get_by_label("Slots from").fill("2026-11-24T00:00:00Z")
    page.get_by_role("button", name="Find").click()
    expect(rows.first).to_contain_text("after")
    assert rows.count() == 2
    page.get_by_role("link", name="All runs").click()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    rows.first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Output")).to_be_visible()


def test_where_values_come_from_is_told_and_what_is_built_in_unfolds(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/jobs/shop.stock-feed")
    expect(page.locator("table.spec").first).to_contain_text("shop/_defaults.yaml:2")
    hidden = page.get_by_text("max_queued", exact=True)
    expect(hidden).to_be_hidden()
    page.locator("#built-in summary").click()
    expect(hidden).to_be_visible()


def test_each_entry_of_the_navigation_leads_to_its_page(opened: Opened, seen: Site) -> None:
    page = opened(seen, "/")
    for name in page.locator("header nav a").all_inner_texts():
        page.locator("header nav").get_by_role("link", name=name).click()
        expect(page.locator("header nav [aria-current=page]")).to_have_text(name)
    page.get_by_role("link", name="schedsync").click()
    expect(page.locator("header nav [aria-current=page]")).to_have_text("Overview")
