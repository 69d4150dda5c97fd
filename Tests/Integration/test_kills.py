"""Each service is killed between steps and while a step runs; the path goes on."""

from __future__ import annotations

import itertools
import random
import threading
import time

import pytest
from client import Client, money, new_id, persist, until
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.identity.v1 import session_pb2, sign_up_pb2
from kontor.organizations.v1 import organization_pb2
from kontor.shop.v1 import order_pb2, product_pb2
from stack import SERVICES, Stack


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A stack of its own, whose processes die."""
    running = Stack(tmp_path_factory.mktemp("mortal") / "data").start()
    yield running
    assert running.stop() == 0, running.log()


class Killer:
    """Kills one service now, or a moment after a step began."""

    def __init__(self, stack: Stack, service: str, delay: float | None):
        self.stack, self.service, self.delay = stack, service, delay

    def strike(self) -> None:
        if self.delay is None:
            self.stack.kill(self.service)
        else:
            timer = threading.Timer(self.delay, self.stack.kill, [self.service])
            timer.daemon = True
            timer.start()


def walk_the_path(stack: Stack, address: str, domain: str, before_step) -> None:
    """The whole path; `before_step` may kill something. Every call is repeated until answered."""
    client = Client(stack.channel())
    wait = {"timeout": 10}

    def steady(call, request, authorized=True):
        arguments = dict(client.auth, **wait) if authorized else wait
        return persist(call, request, **arguments)

    # The price list comes first, while everything is up.
    stack.wait_until_serving()
    request = client.sign_up_request(address, domain)

    before_step("sign up")
    sign_up = steady(client.sign_ups.SignUp, request, authorized=False).sign_up

    code = stack.mailed_code(address, timeout=60)
    before_step("confirm")
    steady(
        client.sign_ups.ConfirmSignUp,
        sign_up_pb2.ConfirmSignUpRequest(
            request_id=new_id(), sign_up_id=sign_up.sign_up_id, code=code
        ),
        authorized=False,
    )
    complete = until(
        lambda: (
            state := steady(
                client.sign_ups.GetSignUp,
                sign_up_pb2.GetSignUpRequest(sign_up_id=sign_up.sign_up_id),
                authorized=False,
            ).sign_up
        ).state
        == sign_up_pb2.SIGN_UP_STATE_COMPLETE
        and state,
        timeout=60,
    )

    before_step("sign in")
    answer = steady(
        client.sessions.SignIn,
        session_pb2.SignInRequest(email=address, password=request.password, device_name="test"),
        authorized=False,
    )
    client.token = answer.tokens.access_token

    before_step("create top-up")
    total = complete.quote.totals.total.minor_units
    top_up = steady(
        client.top_ups.CreateTopUp,
        prepaid_pb2.CreateTopUpRequest(
            request_id=new_id(), amount=money(total * 2), method=prepaid_pb2.TOP_UP_METHOD_CARD
        ),
    ).top_up
    event = steady(
        client.sandbox.CompleteCardPayment,
        prepaid_pb2.CompleteCardPaymentRequest(
            provider_reference=top_up.provider_reference, amount=top_up.amount
        ),
        authorized=False,
    )
    before_step("deliver")
    for _ in range(2):
        steady(
            client.provider_events.DeliverProviderEvent,
            prepaid_pb2.DeliverProviderEventRequest(
                provider=top_up.provider, payload=event.payload, signature=event.signature
            ),
            authorized=False,
        )

    before_step("pay")
    steady(
        client.orders.PayOrder,
        order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=complete.order_id,
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        ),
    )
    order = until(
        lambda: (
            state := steady(
                client.orders.GetOrder, order_pb2.GetOrderRequest(order_id=complete.order_id)
            ).order
        ).state
        == order_pb2.ORDER_STATE_PAID
        and state,
        timeout=60,
    )

    before_step("due list")
    items = steady(client.due.ListDueItems, billing_pb2.ListDueItemsRequest(all=True)).items
    item = next(item for item in items if item.product_id == order.product_ids[0])
    before_step("quote")
    quote = steady(
        client.due.QuoteDueItems,
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[item.due_item_id]),
    ).quote
    before_step("renew")
    payment = steady(
        client.due.PayDueItems,
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=quote.payment_quote_id
        ),
    ).payment
    until(
        lambda: steady(
            client.due.GetPayment, billing_pb2.GetPaymentRequest(payment_id=payment.payment_id)
        ).payment.state
        == billing_pb2.PAYMENT_STATE_COMPLETE,
        timeout=60,
    )

    before_step("look")
    organizations = steady(
        client.organizations.ListOrganizations, organization_pb2.ListOrganizationsRequest()
    ).organizations
    assert len(organizations) == 1
    orders = steady(client.orders.ListOrders, order_pb2.ListOrdersRequest()).orders
    assert [found.order_id for found in orders] == [complete.order_id]
    products = steady(client.products.ListProducts, product_pb2.ListProductsRequest()).products
    assert sorted(product.product_id for product in products) == sorted(order.product_ids)
    renewed = next(product for product in products if product.product_id == item.product_id)
    assert renewed.period_start == item.period_start
    assert renewed.period_end == item.period_end
    movements = steady(
        client.prepaid.ListPrepaidMovements,
        prepaid_pb2.ListPrepaidMovementsRequest(currency_code="CHF"),
    ).movements
    assert [movement.amount.minor_units for movement in movements] == [
        -quote.totals.total.minor_units,
        -total,
        total * 2,
    ]
    invoices = steady(client.invoices.ListInvoices, billing_pb2.ListInvoicesRequest()).invoices
    assert len(invoices) == 2


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_before_every_step_costs_nothing(mortal, service):
    killer = Killer(mortal, service, None)
    walk_the_path(
        mortal, f"between-{service}@example.org", f"between-{service}.ch",
        lambda step: killer.strike(),
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_while_every_step_runs_costs_nothing(mortal, service):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)

    def strike(step: str) -> None:
        Killer(mortal, service, generator.uniform(0, 0.03)).strike()

    walk_the_path(mortal, f"during-{service}@example.org", f"during-{service}.ch", strike)


def test_all_services_killed_in_turn_cost_nothing(mortal):
    victims = itertools.cycle(SERVICES)

    def strike(step: str) -> None:
        for _ in range(2):
            Killer(mortal, next(victims), None).strike()
            time.sleep(0)

    walk_the_path(mortal, "turns@example.org", "turns.ch", strike)


def test_invoice_numbers_are_gapless_over_all_customers(mortal, tmp_path_factory):
    """Every walk above made two invoices; the numbers of all of them are one row of numbers."""
    import sqlite3

    database = next((mortal.folder).rglob("accounting.db"))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        numbers = sorted(row[0] for row in connection.execute("SELECT number FROM invoice"))
    assert numbers == list(range(1, len(numbers) + 1))
