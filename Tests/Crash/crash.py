"""Processes of a stack are killed at random instants under load; afterwards everything that clients
were told is there, exactly once, and the books hold.

Each worker is a customer who goes on for as long as the killing does: tops up, orders, pays, renews.
Every call is repeated with the same request until it is answered, however often the server dies; an
answer, once given, must be what every later look shows.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable

import grpc
from client import PASSWORD, Client, failure, money, new_id, open_account, party
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.identity.v1 import session_pb2
from kontor.shop.v1 import catalogue_pb2, order_pb2, product_pb2
from stack import SERVICES, Stack

# What leaves a call's outcome open, and so is repeated.
OPEN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}


@dataclass
class Told:
    """What a customer was told, by the ids that the answers named."""

    top_ups: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    products: set[str] = field(default_factory=set)
    invoices: set[str] = field(default_factory=set)
    # Payments with their amounts and the product periods that they paid.
    payments: dict[str, tuple[int, list[tuple[str, str]]]] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        spent = sum(self.orders.values()) + sum(amount for amount, _ in self.payments.values())
        return sum(self.top_ups.values()) - spent


class Customer:
    """A customer at work, with a generator of its own."""

    def __init__(self, stack: Stack, number: int, seed: int):
        self.random = random.Random(seed)
        self.stack, self.number, self.told = stack, number, Told()
        self.email = f"crash-{number}@example.org"
        self.calls = self.answered = self.repeated = 0
        self.client, sign_up = open_account(stack, self.email, f"crash-{number}.ch")
        self.plan = self.client.plan("drive", 12)
        self.terms = self.client.terms()
        self.top_up(1_000_000)
        self.pay(sign_up.order_id, sign_up.quote.totals.total.minor_units)

    def call(self, method: Callable, request: Any, authorized: bool = True) -> Any:
        """Repeats one request until it is answered."""
        self.calls += 1
        deadline = time.monotonic() + 120
        attempts = 0
        while True:
            attempts += 1
            arguments = self.client.auth if authorized else {}
            try:
                answer = method(request, **dict(arguments, timeout=8))
                self.answered += 1
                return answer
            except grpc.RpcError as error:
                self.repeated += attempts == 1
                if failure(error).reason == "TOKEN_EXPIRED":
                    self.sign_in()
                elif error.code() not in OPEN or time.monotonic() > deadline:
                    raise
                else:
                    time.sleep(0.02)

    def sign_in(self) -> None:
        answer = self.call(
            self.client.sessions.SignIn,
            session_pb2.SignInRequest(email=self.email, password=PASSWORD, device_name="crash"),
            authorized=False,
        )
        self.client.token = answer.tokens.access_token

    def again(self, method: Callable, request: Any, field_name: str, answer: Any) -> None:
        """Now and then a request is repeated although it was answered: nothing happens again."""
        if self.random.random() < 0.2:
            repeated = self.call(method, request)
            assert getattr(getattr(repeated, field_name), f"{field_name}_id") == getattr(
                answer, f"{field_name}_id"
            )

    def top_up(self, amount: int) -> None:
        request = prepaid_pb2.CreateTopUpRequest(
            request_id=new_id(), amount=money(amount), method=prepaid_pb2.TOP_UP_METHOD_CARD
        )
        top_up = self.call(self.client.top_ups.CreateTopUp, request).top_up
        self.again(self.client.top_ups.CreateTopUp, request, "top_up", top_up)
        event = self.call(
            self.client.sandbox.CompleteCardPayment,
            prepaid_pb2.CompleteCardPaymentRequest(
                provider_reference=top_up.provider_reference, amount=top_up.amount
            ),
            authorized=False,
        )
        for _ in range(self.random.choice((1, 1, 2))):
            self.call(
                self.client.provider_events.DeliverProviderEvent,
                prepaid_pb2.DeliverProviderEventRequest(
                    provider=top_up.provider, payload=event.payload, signature=event.signature
                ),
                authorized=False,
            )
        self.told.top_ups[top_up.top_up_id] = amount

    def order(self) -> None:
        request = order_pb2.PlaceOrderRequest(
            request_id=new_id(),
            lines=[catalogue_pb2.OrderLine(plan_id=self.plan, months=12)],
            currency_code="CHF",
            recipient=party(),
            accepted_terms_version=self.terms,
        )
        order = self.call(self.client.orders.PlaceOrder, request).order
        self.again(self.client.orders.PlaceOrder, request, "order", order)
        self.pay(order.order_id, order.quote.totals.total.minor_units)

    def pay(self, order_id: str, amount: int) -> None:
        request = order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=order_id,
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        )
        order = self.call(self.client.orders.PayOrder, request).order
        deadline = time.monotonic() + 120
        while order.state != order_pb2.ORDER_STATE_PAID:
            assert order.state == order_pb2.ORDER_STATE_PAYING, order
            assert time.monotonic() < deadline, order
            time.sleep(0.02)
            order = self.call(
                self.client.orders.GetOrder, order_pb2.GetOrderRequest(order_id=order_id)
            ).order
        self.told.orders[order_id] = amount
        self.told.products.update(order.product_ids)
        self.told.invoices.add(order.invoice_id)

    def renew(self) -> None:
        product_id = self.random.choice(sorted(self.told.products))
        items = self.call(
            self.client.due.ListDueItems, billing_pb2.ListDueItemsRequest(all=True)
        ).items
        item = next((item for item in items if item.product_id == product_id), None)
        if item is None:
            return
        quote = self.call(
            self.client.due.QuoteDueItems,
            billing_pb2.QuoteDueItemsRequest(
                request_id=new_id(), due_item_ids=[item.due_item_id]
            ),
        ).quote
        payment = self.call(
            self.client.due.PayDueItems,
            billing_pb2.PayDueItemsRequest(
                request_id=new_id(), payment_quote_id=quote.payment_quote_id
            ),
        ).payment
        deadline = time.monotonic() + 120
        while payment.state != billing_pb2.PAYMENT_STATE_COMPLETE:
            assert time.monotonic() < deadline, payment
            time.sleep(0.02)
            payment = self.call(
                self.client.due.GetPayment,
                billing_pb2.GetPaymentRequest(payment_id=payment.payment_id),
            ).payment
        start = item.period_start
        self.told.payments[payment.payment_id] = (
            quote.totals.total.minor_units,
            [(product_id, f"{start.year:04}-{start.month:02}-{start.day:02}")],
        )
        self.told.invoices.add(payment.invoice_id)

    def step(self) -> None:
        if self.told.balance < 100_000:
            self.top_up(1_000_000)
        else:
            kind = self.random.choice((self.order, self.renew, self.renew, self.top_up_a_little))
            kind()

    def top_up_a_little(self) -> None:
        self.top_up(self.random.randrange(500, 5_000))

    # What the services show afterwards.

    def verify(self) -> None:
        client, told = self.client, self.told
        movements = client.movements()
        assert client.balance() == told.balance, (client.balance(), told.balance)
        assert sum(movement.amount.minor_units for movement in movements) == told.balance
        # One line for each answer, and no other.
        assert sorted(
            (movement.reference_id, movement.amount.minor_units) for movement in movements
        ) == sorted(
            list(told.top_ups.items())
            + [(order, -amount) for order, amount in told.orders.items()]
            + [(payment, -amount) for payment, (amount, _) in told.payments.items()]
        )
        assert self.everything(
            client.orders.ListOrders, order_pb2.ListOrdersRequest, "orders", "order_id"
        ) == sorted(told.orders)
        assert self.everything(
            client.products.ListProducts, product_pb2.ListProductsRequest, "products", "product_id"
        ) == sorted(told.products)
        assert self.everything(
            client.invoices.ListInvoices, billing_pb2.ListInvoicesRequest, "invoices", "invoice_id"
        ) == sorted(told.invoices)

    def everything(self, method: Callable, request: Any, field_name: str, key: str) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            page = self.call(method, request(page_size=50, page_token=token))
            found += [getattr(item, key) for item in getattr(page, field_name)]
            token = page.next_page_token
            if not token:
                return sorted(found)


class Killing:
    """A run: customers at work, and a killer."""

    def __init__(self, stack: Stack, seed: int, customers: int):
        self.stack = stack
        self.random = random.Random(seed)
        self.customers = [
            Customer(stack, number, self.random.randrange(2**32)) for number in range(customers)
        ]
        self.kills: dict[str, int] = dict.fromkeys(SERVICES, 0)
        self.drained = 0
        self.failures: list[BaseException] = []
        self.stop = threading.Event()

    def work(self, customer: Customer) -> None:
        try:
            while not self.stop.is_set():
                customer.step()
        except BaseException as error:  # noqa: BLE001 (raised in the main thread)
            self.failures.append(error)
            self.stop.set()

    def wait_for_progress(self) -> None:
        """Waits until a few more calls are answered, and a random moment longer: however slow the
        machine, the customers get on between two kills."""
        wanted = sum(c.answered for c in self.customers) + self.random.randrange(1, 12)
        while sum(c.answered for c in self.customers) < wanted and not self.stop.wait(0.005):
            pass
        self.stop.wait(self.random.uniform(0, 0.05))

    def run(self, kills: int) -> None:
        threads = [
            threading.Thread(target=self.work, args=(customer,)) for customer in self.customers
        ]
        for thread in threads:
            thread.start()
        try:
            while sum(self.kills.values()) < kills and not self.stop.is_set():
                self.wait_for_progress()
                # Sometimes one is asked to end instead, and drains; sometimes some die at once.
                if self.random.random() < 0.2:
                    victim = self.random.choice(SERVICES)
                    self.drained += self.stack.kill(victim, signal.SIGTERM)
                    continue
                for victim in self.random.sample(SERVICES, self.random.choice((1, 1, 2, 3))):
                    if self.stack.kill(victim):
                        self.kills[victim] += 1
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        if self.failures:
            raise self.failures[0]

    def verify(self) -> None:
        """After the last kill: all is told, nothing is left over, the books hold."""
        self.stack.wait_until_serving()
        for customer in self.customers:
            customer.verify()
        report = self.stack.command("check")
        assert report.returncode == 0, report.stdout + report.stderr
        assert "wait for delivery" not in report.stdout, report.stdout
        assert "dead letter" not in report.stdout, report.stdout
        self.verify_rows()

    def verify_rows(self) -> None:
        """What no client can ask for: the periods that each payment extended, and the numbers of
        all invoices."""
        import sqlite3

        def rows(service: str, query: str) -> list[tuple]:
            path = self.stack.folder / service / f"{service}.db"
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
                return connection.execute(query).fetchall()

        applied = rows("shop", "SELECT payment_id, product_id, period_start FROM product_renewal")
        told = [
            (payment, product, start)
            for customer in self.customers
            for payment, (_, periods) in customer.told.payments.items()
            for product, start in periods
        ]
        assert sorted(applied) == sorted(told)
        numbers = sorted(row[0] for row in rows("accounting", "SELECT number FROM invoice"))
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) == sum(len(customer.told.invoices) for customer in self.customers)

    def summary(self) -> str:
        told = [customer.told for customer in self.customers]
        kills = ", ".join(f"{service} {count}" for service, count in self.kills.items())
        calls = sum(customer.calls for customer in self.customers)
        repeated = sum(customer.repeated for customer in self.customers)
        return (
            f"{sum(self.kills.values())} kills ({kills}) and {self.drained} drains; {calls} calls, {repeated} of them repeated; "
            f"{sum(len(t.top_ups) for t in told)} top-ups, {sum(len(t.orders) for t in told)} orders, "
            f"{sum(len(t.payments) for t in told)} renewals: each there once, the books hold"
        )
