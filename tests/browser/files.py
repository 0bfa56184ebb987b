"""The job files of the installation that the browser sees: a small company's nights, with mistakes in them."""

ERP = """\
jobs:
  - id: erp.close-books
    description: Close the books of the day
    tags: [erp, finance]
    owner: dba-oncall@example.com
    schedule: {cron: "30 1 * * *", timezone: Europe/Berlin}
    run: {script: scripts/close-books.sh}
    timeout: 45m
    late_after: 1h
  - id: erp.nightly-dump
    description: Dump the ERP schema after the close
    tags: [erp, backup]
    owner: dba-oncall@example.com
    after: {erp.close-books: succeeded}
    run: {script: scripts/dump.sh, args: [--full]}
    timeout: 30m
    retry: {attempts: 3, delay: 30s, backoff: 2}
  - id: erp.reindex
    description: Rebuild the indexes that have grown
    tags: [erp, maintenance]
    owner: dba-oncall@example.com
    schedule: {cron: "0 3 * * sun"}
    run: {shell: ./reindex --online}
    prune: confirm
  - id: erp.order-import
    description: Take in the orders of the shops
    tags: [erp, etl]
    owner: erp-team@example.com
    schedule: {cron: "*/10 * * * *"}
    run: {command: [/srv/erp/bin/import-orders, --batch, "500"]}
    retry: {attempts: 2, delay: 15s}
    overlap: queue
    group: erp-import
    max_time_since_success: 2h
  - id: erp.price-import
    description: Take in the price lists of the suppliers
    tags: [erp, etl]
    owner: erp-team@example.com
    schedule: {cron: "5,35 * * * *"}
    run: {command: [/srv/erp/bin/import-prices]}
    overlap: queue
    group: erp-import
  - id: erp.month-end
    description: Month end statements
    tags: [erp, finance]
    owner: finance@example.com
    schedule: {cron: "0 5 1 * *", timezone: Europe/Berlin}
    run: {sql: begin_month_end, database: erp}
"""
ERP = ERP.replace("run: {sql: begin_month_end, database: erp}", "run: {shell: ./month-end}")
SHOP = """\
jobs:
  - id: shop.sitemap
    description: Write the sitemap of the shop
    tags: [shop, web]
    owner: web@example.com
    schedule: {every: 6h, start: "2026-11-01T00:20:00Z"}
    run: {shell: ./sitemap > /srv/www/sitemap.xml}
  - id: shop.stock-feed
    description: Tell the market places what is in stock
    tags: [shop, feed]
    owner: web@example.com
    schedule: {cron: "*/5 * * * *"}
    run: {http: {url: "https://feeds.example.com/stock", method: POST}}
    timeout: 2m
  - id: shop.abandoned-carts
    description: Remind of carts that were left
    tags: [shop, mail]
    owner: crm@example.com
    schedule: {cron: "15 * * * *"}
    run: {python: "shop.carts:remind"}
  - id: shop.newsletter
    description: Send the newsletter
    tags: [shop, mail]
    owner: crm@example.com
    schedule: {cron: "0 7 * * thu", timezone: Europe/Berlin}
    run: {shell: ./newsletter}
    suspend: true
  - id: shop.thumbnails
    description: Make thumbnails of new pictures
    tags: [shop, web]
    owner: web@example.com
    schedule: {every: 15m, start: "2026-11-01T00:00:00Z"}
    run: {shell: ./thumbnails}
    timeout: 10m
    overlap: skip
  - id: shop.cache-warm
    description: Fetch the pages that most people want
    tags: [shop, web]
    schedule: {cron: "*/2 7-21 * * *", timezone: Europe/Berlin}
    run: {http: {url: "https://shop.example.com/warm"}}
"""
SHOP_DEFAULTS = """\
timeout: 20m
retry: {attempts: 2, delay: 20s}
"""
BACKUP = """\
jobs:
  - id: backup.files
    description: Copy the file server to the other site
    tags: [backup]
    owner: storage@example.com
    schedule: {cron: "0 22 * * *", timezone: Europe/Berlin}
    run: {command: [rsync, -a, --delete, /srv/files/, "backup:/files/"]}
    timeout: 4h
  - id: backup.verify
    description: Read back what was copied
    tags: [backup]
    owner: storage@example.com
    after: {backup.files: succeeded}
    run: {shell: ./verify}
  - id: backup.mail
    description: Copy the mailboxes
    tags: [backup, mail]
    owner: storage@example.com
    schedule: {cron: "30 23 * * *"}
    run: {shell: ./copy-mail}
  - id: backup.offsite-tapes
    description: List the tapes that leave the house
    tags: [backup]
    owner: storage@example.com
    schedule: {cron: "0 12 * * mon,thu"}
    run: {shell: ./tapes}
    healthcheck: https://hc.example.com/2f0a
"""
MONITOR = """\
jobs:
  - id: monitor.heartbeat
    description: Say once a minute that all is well
    tags: [monitor]
    owner: ops@example.com
    schedule: {cron: "* * * * *"}
    run: {shell: echo alive}
    history: {keep: 60}
  - id: monitor.certificates
    description: Find certificates that run out
    tags: [monitor, security]
    owner: ops@example.com
    schedule: {cron: "0 6 * * *"}
    run: {shell: ./certificates --days 21}
  - id: monitor.disk
    description: Report disks that fill up
    tags: [monitor]
    owner: ops@example.com
    schedule: {every: 30m, start: "2026-11-01T00:10:00Z"}
    run: {shell: df -h}
  - id: monitor.replication-lag
    description: Measure how far the standby is behind
    tags: [monitor, db]
    owner: dba-oncall@example.com
    schedule: {cron: "*/15 * * * *"}
    run: {shell: ./lag --warn 30s}
"""
DWH = """\
jobs:
  - id: dwh.load-orders
    description: Load the orders of yesterday into the warehouse
    tags: [dwh, etl]
    owner: bi@example.com
    schedule: {cron: "0 4 * * *", timezone: Europe/Berlin}
    run: {command: [/srv/dwh/load, orders]}
    timeout: 2h
    group: dwh
    overlap: queue
  - id: dwh.load-clicks
    description: Load the clicks of the last hour
    tags: [dwh, etl]
    owner: bi@example.com
    schedule: {cron: "20 * * * *"}
    run: {command: [/srv/dwh/load, clicks]}
    timeout: 50m
    group: dwh
    overlap: queue
  - id: dwh.refresh-marts
    description: Refresh the marts when orders are in
    tags: [dwh]
    owner: bi@example.com
    after: {dwh.load-orders: succeeded}
    run: {shell: ./refresh}
  - id: dwh.forecast
    description: Compute the forecast for purchasing
    tags: [dwh, science]
    owner: science@example.com
    schedule: {cron: "45 13 * * mon-fri"}
    run: {python: "forecast.main:run"}
    timeout: 3h
"""
CLEANUP = """\
jobs:
  - id: cleanup.tmp
    description: Remove temporary files that nobody has touched for a week
    tags: [cleanup]
    owner: ops@example.com
    schedule: {cron: "17 2 * * *"}
    run: {shell: "find /tmp -mtime +7 -delete"}
  - id: cleanup.old-sessions
    description: Remove sessions that have run out
    tags: [cleanup, shop]
    owner: web@example.com
    schedule: {cron: "*/20 * * * *"}
    run: {shell: ./sessions}
  - id: cleanup.rotate-keys
    description: ""
    tags: [security]
    schedule: {at: "2026-11-23T20:00:00Z"}
    run: {shell: ./rotate-keys}
  - id: cleanup.move-to-new-storage-with-a-rather-long-name-that-has-to-be-broken
    description: >-
      Move what is older than a year to the storage that costs less, folder by folder, and write a list of what was
      moved so that people find it again
    tags: [cleanup, storage, once-a-quarter, finance, erp, shop]
    owner: storage-and-archive-team-of-the-whole-company@example.com
    schedule: {cron: "0 0 1 */3 *"}
    run: {shell: ./move}
"""
REPORTS = """\
jobs:
  - id: reports.sales
    description: Mail the sales of yesterday
    tags: [reports, mail]
    owner: sales@example.com
    schedule: {cron: "0 8 * * mon-fri", timezone: Europe/Berlin}
    run: {script: scripts/sales.sh}
  - id: reports.new-york
    description: Mail the sales of the shop in New York
    tags: [reports, mail]
    owner: sales@example.com
    schedule: {cron: "0 18 * * mon-fri", timezone: America/New_York}
    run: {script: scripts/sales.sh, args: [ny]}
"""
BROKEN = REPORTS.replace('{cron: "0 8 * * mon-fri", timezone: Europe/Berlin}', '{cron: "0 8 * * mon-frei"}').replace(
    'owner: sales@example.com\n    schedule: {cron: "0 18', 'owners: sales@example.com\n    schedule: {cron: "0 18'
)
"""The same with two mistakes."""
LEGACY = """\
jobs:
  - id: legacy.fax-gateway
    description: Fetch the faxes
    tags: [legacy]
    owner: ops@example.com
    schedule: {cron: "*/30 * * * *"}
    run: {shell: ./fax}
  - id: legacy.ledger
    description: Copy the old ledger
    tags: [legacy, finance]
    owner: finance@example.com
    schedule: {cron: "0 4 * * *"}
    run: {shell: ./ledger}
    prune: confirm
"""

FIRST = {
    "erp.yaml": ERP.replace("*/10 * * * *", "*/20 * * * *"),
    "shop/shop.yaml": SHOP.replace("shop.thumbnails", "shop.pictures"),
    "shop/_defaults.yaml": SHOP_DEFAULTS,
    "backup.yaml": BACKUP,
    "monitor.yaml": MONITOR,
    "dwh.yaml": DWH,
    "reports.yaml": REPORTS,
    "legacy.yaml": LEGACY,
    "REVISION": "4be1c02f9a7d5e3318c6b0a2d94f7e8135a6cb20\n",
}
SECOND = {"cleanup.yaml": CLEANUP, "erp.yaml": ERP, "REVISION": "c7d90e1b52f84a6693de0b7fa1c2358e4f60d9a7\n"}
THIRD = {
    "shop/shop.yaml": SHOP.replace("id: shop.thumbnails", "id: shop.thumbnails\n    renamed_from: shop.pictures"),
    "legacy.yaml": None,
    "REVISION": "a51f3c88d0e2479bb6c1907d3e5f82a4c6097be1\n",
}
FOURTH = {"reports.yaml": BROKEN, "REVISION": "e09b7744c12d4fa08d5263b9f7a81c3e2d604f95\n"}
"""What was written at each step, by file; None: removed."""
