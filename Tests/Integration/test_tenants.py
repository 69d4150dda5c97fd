"""A second customer can read and change nothing of the first."""

from __future__ import annotations

import grpc
import pytest
from client import Client, new_id, open_account, refused
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.identity.v1 import session_pb2
from kontor.organizations.v1 import organization_pb2
from kontor.shop.v1 import order_pb2, product_pb2
from test_path import pay_order


@pytest.fixture(scope="module")
def first(stack):
    """A customer with one of everything."""
    client, sign_up = open_account(stack, "first@example.org", "first.ch")
    total = sign_up.quote.totals.total.minor_units
    top_up = client.top_up(total * 3)
    order = pay_order(client, sign_up.order_id)
    item = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(all=True), **client.auth).items[0]
    quote = client.due.QuoteDueItems(
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[item.due_item_id]),
        **client.auth,
    ).quote
    payment = client.due.PayDueItems(
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=quote.payment_quote_id
        ),
        **client.auth,
    ).payment
    other_item = client.due.ListDueItems(
        billing_pb2.ListDueItemsRequest(all=True), **client.auth
    ).items[0]
    other_quote = client.due.QuoteDueItems(
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[other_item.due_item_id]),
        **client.auth,
    ).quote
    session = client.sessions.ListSessions(session_pb2.ListSessionsRequest(), **client.auth).sessions[0]
    return {
        "client": client,
        "organization_id": sign_up.organization_id,
        "order_id": order.order_id,
        "product_id": order.product_ids[0],
        "invoice_id": order.invoice_id,
        "top_up_id": top_up.top_up_id,
        "payment_id": payment.payment_id,
        "due_item_id": other_item.due_item_id,
        "payment_quote_id": other_quote.payment_quote_id,
        "session_id": session.session_id,
    }


@pytest.fixture(scope="module")
def second(stack):
    client, _ = open_account(stack, "second@example.org", "second.ch")
    client.top_up(100_000)
    return client


FOREIGN_CALLS = {
    "GetOrganization": lambda c, f: (
        c.organizations.GetOrganization,
        organization_pb2.GetOrganizationRequest(organization_id=f["organization_id"]),
    ),
    "SwitchOrganization": lambda c, f: (
        c.sessions.SwitchOrganization,
        session_pb2.SwitchOrganizationRequest(organization_id=f["organization_id"]),
    ),
    "RevokeSession": lambda c, f: (
        c.sessions.RevokeSession,
        session_pb2.RevokeSessionRequest(request_id=new_id(), session_id=f["session_id"]),
    ),
    "GetOrder": lambda c, f: (
        c.orders.GetOrder,
        order_pb2.GetOrderRequest(order_id=f["order_id"]),
    ),
    "CancelOrder": lambda c, f: (
        c.orders.CancelOrder,
        order_pb2.CancelOrderRequest(request_id=new_id(), order_id=f["order_id"]),
    ),
    "PayOrder": lambda c, f: (
        c.orders.PayOrder,
        order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=f["order_id"],
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        ),
    ),
    "GetProduct": lambda c, f: (
        c.products.GetProduct,
        product_pb2.GetProductRequest(product_id=f["product_id"]),
    ),
    "GetTopUp": lambda c, f: (
        c.top_ups.GetTopUp,
        prepaid_pb2.GetTopUpRequest(top_up_id=f["top_up_id"]),
    ),
    "QuoteDueItems": lambda c, f: (
        c.due.QuoteDueItems,
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[f["due_item_id"]]),
    ),
    "PayDueItems": lambda c, f: (
        c.due.PayDueItems,
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=f["payment_quote_id"]
        ),
    ),
    "GetPayment": lambda c, f: (
        c.due.GetPayment,
        billing_pb2.GetPaymentRequest(payment_id=f["payment_id"]),
    ),
    "GetInvoice": lambda c, f: (
        c.invoices.GetInvoice,
        billing_pb2.GetInvoiceRequest(invoice_id=f["invoice_id"]),
    ),
}


@pytest.mark.parametrize("name", FOREIGN_CALLS)
def test_what_belongs_to_another_is_not_found(first, second, name):
    call, request = FOREIGN_CALLS[name](second, first)
    foreign = refused(call, request, **second.auth)
    assert foreign.code == grpc.StatusCode.NOT_FOUND, foreign
    # Nor does the answer tell it from something that never was.
    missing = dict(first, **{key: new_id() for key in first if key.endswith("_id")})
    if name == "QuoteDueItems":
        missing["due_item_id"] = first["due_item_id"].replace(
            first["due_item_id"].split(".")[1], new_id()
        )
    call, request = FOREIGN_CALLS[name](second, missing)
    nothing = refused(call, request, **second.auth)
    assert (nothing.code, nothing.reason) == (foreign.code, foreign.reason)


def test_lists_hold_nothing_of_another(first, second):
    own = [
        second.organizations.ListOrganizations(
            organization_pb2.ListOrganizationsRequest(), **second.auth
        ),
        second.organizations.ListAuditEntries(
            organization_pb2.ListAuditEntriesRequest(), **second.auth
        ),
        second.sessions.ListSessions(session_pb2.ListSessionsRequest(), **second.auth),
        second.orders.ListOrders(order_pb2.ListOrdersRequest(), **second.auth),
        second.products.ListProducts(product_pb2.ListProductsRequest(), **second.auth),
        second.top_ups.ListTopUps(prepaid_pb2.ListTopUpsRequest(), **second.auth),
        second.prepaid.ListPrepaidMovements(
            prepaid_pb2.ListPrepaidMovementsRequest(currency_code="CHF"), **second.auth
        ),
        second.due.ListDueItems(billing_pb2.ListDueItemsRequest(all=True), **second.auth),
        second.invoices.ListInvoices(billing_pb2.ListInvoicesRequest(), **second.auth),
    ]
    shown = "".join(str(answer) for answer in own)
    for name, value in first.items():
        if name != "client":
            assert value not in shown, name


def test_a_page_token_of_another_opens_nothing(first, second):
    page = first["client"].prepaid.ListPrepaidMovements(
        prepaid_pb2.ListPrepaidMovementsRequest(currency_code="CHF", page_size=1),
        **first["client"].auth,
    )
    assert page.next_page_token
    try:
        answer = second.prepaid.ListPrepaidMovements(
            prepaid_pb2.ListPrepaidMovementsRequest(
                currency_code="CHF", page_size=1, page_token=page.next_page_token
            ),
            **second.auth,
        )
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    else:
        mine = {movement.entry_id for movement in second.movements()}
        assert {movement.entry_id for movement in answer.movements} <= mine


def test_nothing_of_the_first_changed(first):
    client: Client = first["client"]
    order = client.orders.GetOrder(
        order_pb2.GetOrderRequest(order_id=first["order_id"]), **client.auth
    ).order
    assert order.state == order_pb2.ORDER_STATE_PAID
    assert sum(m.amount.minor_units for m in client.movements()) == client.balance()


def test_without_a_token_nothing_opens(stack, first):
    anonymous = Client(stack.channel())
    for name, make in FOREIGN_CALLS.items():
        call, request = make(anonymous, first)
        assert refused(call, request, timeout=20).code == grpc.StatusCode.UNAUTHENTICATED, name


def test_internal_services_do_not_exist_for_clients(stack, second):
    channel = stack.channel()
    for path in (
        "/kontor.organizations.v1.AccessService/CheckAccess",
        "/kontor.organizations.v1.OrganizationProvisioningService/CreateOrganization",
        "/kontor.shop.v1.OrderIntakeService/CreateOrder",
        "/kontor.shop.v1.RenewalService/ListRenewals",
        "/kontor.accounting.v1.ChargeService/ChargeOrder",
        "/kontor.identity.v1.SessionVerificationService/CheckSession",
    ):
        call = channel.unary_unary(path)
        assert refused(call, b"", **second.auth).code == grpc.StatusCode.UNIMPLEMENTED, path
