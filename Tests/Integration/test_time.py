"""What happens later: the same data under a clock that has moved on."""

from __future__ import annotations

import grpc
import pytest
from client import Client, new_id, open_account, party, refused
from kontor.accounting.v1 import billing_pb2
from kontor.identity.v1 import session_pb2
from kontor.shop.v1 import catalogue_pb2, order_pb2, product_pb2
from stack import Stack
from test_path import pay_order

EMAIL = "later@example.org"


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    """A customer with a yearly product and an unpaid order, eleven months on."""
    stack = Stack(tmp_path_factory.mktemp("later") / "data").start()
    client, sign_up = open_account(stack, EMAIL, "later.ch")
    client.top_up(sign_up.quote.totals.total.minor_units * 3)
    paid = pay_order(client, sign_up.order_id)
    unpaid = client.orders.PlaceOrder(
        order_pb2.PlaceOrderRequest(
            request_id=new_id(),
            lines=[catalogue_pb2.OrderLine(plan_id=client.plan("drive", 12), months=12)],
            currency_code="CHF",
            recipient=party(),
            accepted_terms_version=client.terms(),
        ),
        **client.auth,
    ).order
    soon = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(), **client.auth).items
    assert not soon
    assert stack.stop() == 0, stack.log()
    stack.arguments = ("--clock-offset", "320d")
    stack.start()
    yield stack, client, paid, unpaid
    assert stack.stop() == 0, stack.log()


def test_an_expired_token_is_refused_and_says_so(later):
    stack, old, _, _ = later
    client = Client(stack.channel())
    client.token = old.token
    for call, request in (
        (client.users.GetUser, session_pb2.GetUserRequest()),
        (client.products.ListProducts, product_pb2.ListProductsRequest()),
        (client.due.ListDueItems, billing_pb2.ListDueItemsRequest()),
    ):
        answer = refused(call, request, **client.auth)
        assert answer.code == grpc.StatusCode.UNAUTHENTICATED
        assert answer.reason == "TOKEN_EXPIRED"
    expired = refused(
        client.sessions.RefreshSession,
        session_pb2.RefreshSessionRequest(refresh_token=old.refresh_token),
    )
    assert expired.code == grpc.StatusCode.UNAUTHENTICATED


def test_a_yearly_product_comes_onto_the_default_due_list_and_is_renewed_from_its_end(later):
    stack, _, paid, _ = later
    client = Client(stack.channel())
    client.sign_in(EMAIL)
    items = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(), **client.auth).items
    assert {item.product_id for item in items} == set(paid.product_ids)
    assert not any(item.overdue for item in items)
    before = {
        product.product_id: product
        for product in client.products.ListProducts(
            product_pb2.ListProductsRequest(), **client.auth
        ).products
    }
    quote = client.due.QuoteDueItems(
        billing_pb2.QuoteDueItemsRequest(
            request_id=new_id(), due_item_ids=[item.due_item_id for item in items]
        ),
        **client.auth,
    ).quote
    assert len(quote.lines) == 2
    payment = client.due.PayDueItems(
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=quote.payment_quote_id
        ),
        **client.auth,
    ).payment
    assert payment.state == billing_pb2.PAYMENT_STATE_COMPLETE
    for product in client.products.ListProducts(
        product_pb2.ListProductsRequest(), **client.auth
    ).products:
        assert product.period_start == before[product.product_id].period_end
    assert not client.due.ListDueItems(billing_pb2.ListDueItemsRequest(), **client.auth).items


def test_an_order_that_nobody_paid_has_lapsed(later):
    stack, _, _, unpaid = later
    client = Client(stack.channel())
    client.sign_in(EMAIL)
    order = client.orders.GetOrder(
        order_pb2.GetOrderRequest(order_id=unpaid.order_id), **client.auth
    ).order
    assert order.state == order_pb2.ORDER_STATE_LAPSED
    answer = refused(
        client.orders.PayOrder,
        order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=unpaid.order_id,
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        ),
        **client.auth,
    )
    assert answer.code == grpc.StatusCode.FAILED_PRECONDITION
