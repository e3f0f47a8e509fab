from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "number", ["1e308", "1e999999", "123456789012345678901234567890", "0.1e-400", "-1e40", "1e30"]
)
@pytest.mark.parametrize("field", ["price", "stopPrice", "pegDifference", "orderQty", "accountId", "maxShow"])
async def test_it_survives_absurd_numbers(trader, field, number):
    order = trader.order(orderType="StopLimit", price=24000, stopPrice=25010)
    order.pop(field, None)
    fields = ",".join(
        [f'"{field}":{number}', *(f'"{k}":{v!r}' for k, v in order.items() if not isinstance(v, str))]
    )
    texts = ",".join(f'"{k}":"{v}"' for k, v in order.items() if isinstance(v, str))
    body = "{" + fields.replace("True", "true") + "," + texts + "}"
    headers = {"Authorization": f"Bearer {trader.token}"}
    answer = await trader.http.post("/demo/v1/order/placeorder", content=body, headers=headers)
    assert answer.status_code in {200, 400}, answer.text
    assert all(row["ordStatus"] == "Rejected" for row in await trader.rows("order")) or field in {
        "maxShow",
        "pegDifference",
    }


@pytest.mark.parametrize("change", ["1e308", "-1e999", "NaN", "Infinity", "1e-30"])
async def test_it_survives_absurd_cash(trader, change):
    headers = {"Authorization": f"Bearer {trader.token}"}
    body = f'{{"accountId":{trader.account.id},"cashChange":{change}}}'
    answer = await trader.http.post("/demo/v1/cashBalance/changedemobalance", content=body, headers=headers)
    assert answer.status_code in {200, 400}
    assert (await trader.rows("cashBalance"))[0]["amount"] == 50_000
