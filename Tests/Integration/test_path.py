"""The main job, end to end: a customer signs up by ordering, pays, renews."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from client import (
    PASSWORD,
    Client,
    money,
    new_id,
    open_account,
    party,
    refused,
    until,
)
from kontor.accounting.v1 import billing_pb2, prepaid_pb2
from kontor.common.v1 import date_pb2
from kontor.identity.v1 import session_pb2, sign_up_pb2
from kontor.organizations.v1 import organization_pb2
from kontor.shop.v1 import catalogue_pb2, order_pb2, product_pb2

EMAIL = "ada@example.org"


@pytest.fixture(scope="module")
def anonymous(stack):
    return Client(stack.channel())


@pytest.fixture(scope="module")
def account(stack, anonymous):
    """Step 1: signs up, with every repetition a client might make."""
    request = anonymous.sign_up_request(EMAIL, "ada-lovelace.ch")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: anonymous.sign_ups.SignUp(request), range(8)))
    assert len({answer.sign_up.sign_up_id for answer in answers}) == 1
    sign_up = answers[0].sign_up
    assert sign_up.state == sign_up_pb2.SIGN_UP_STATE_AWAITING_CODE
    assert not sign_up.user_id and not sign_up.order_id

    confirm = sign_up_pb2.ConfirmSignUpRequest(
        request_id=new_id(), sign_up_id=sign_up.sign_up_id, code=stack.mailed_code(EMAIL)
    )
    with ThreadPoolExecutor(8) as pool:
        confirmed = list(pool.map(lambda _: anonymous.sign_ups.ConfirmSignUp(confirm), range(8)))
    assert len({answer.sign_up.user_id for answer in confirmed}) == 1
    complete = until(
        lambda: (
            state := anonymous.sign_ups.GetSignUp(
                sign_up_pb2.GetSignUpRequest(sign_up_id=sign_up.sign_up_id)
            ).sign_up
        ).state
        == sign_up_pb2.SIGN_UP_STATE_COMPLETE
        and state
    )
    again = anonymous.sign_ups.ConfirmSignUp(confirm).sign_up
    assert again.order_id == complete.order_id
    assert again.organization_id == complete.organization_id
    return complete


@pytest.fixture(scope="module")
def client(stack, account):
    """Step 2: signs in."""
    client = Client(stack.channel())
    client.sign_in(EMAIL)
    return client


def pay_order(client: Client, order_id: str) -> order_pb2.Order:
    order = client.orders.PayOrder(
        order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=order_id,
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        ),
        **client.auth,
    ).order
    return until(
        lambda: order.state == order_pb2.ORDER_STATE_PAID
        and order
        or (
            read := client.orders.GetOrder(
                order_pb2.GetOrderRequest(order_id=order_id), **client.auth
            ).order
        ).state
        == order_pb2.ORDER_STATE_PAID
        and read
    )


@pytest.fixture(scope="module")
def paid_order(client, account):
    """Steps 3 and 4: tops up, pays."""
    order = client.orders.GetOrder(
        order_pb2.GetOrderRequest(order_id=account.order_id), **client.auth
    ).order
    total = order.quote.totals.total.minor_units
    client.top_up(total + 50_000)
    return pay_order(client, account.order_id)


def test_the_price_list_is_public_and_complete(anonymous):
    types = anonymous.catalogue.ListProductTypes(
        catalogue_pb2.ListProductTypesRequest(page_size=100)
    ).product_types
    assert len(types) == 18
    assert {product_type.category for product_type in types} == {1, 2, 3, 4, 5}
    plans = []
    token = ""
    while True:
        page = anonymous.catalogue.ListPlans(
            catalogue_pb2.ListPlansRequest(page_size=10, page_token=token)
        )
        plans.extend(page.plans)
        token = page.next_page_token
        if not token:
            break
    assert len({plan.plan_id for plan in plans}) == len(plans)
    assert {plan.product_type_id for plan in plans} == {t.product_type_id for t in types}
    for plan in plans:
        assert {price.amount.currency_code for price in plan.prices} == {"CHF", "EUR"}, plan


def test_signing_up_makes_user_organization_and_pending_order_once(client, account):
    user = client.users.GetUser(session_pb2.GetUserRequest(), **client.auth).user
    assert user.user_id == account.user_id
    assert (user.email, user.initials) == (EMAIL, "AL")
    organizations = client.organizations.ListOrganizations(
        organization_pb2.ListOrganizationsRequest(), **client.auth
    ).organizations
    assert [organization.display_name for organization in organizations] == ["Ada Lovelace"]
    assert organizations[0].organization_id == account.organization_id
    assert organizations[0].membership.role == organization_pb2.ROLE_ADMIN
    orders = client.orders.ListOrders(order_pb2.ListOrdersRequest(), **client.auth).orders
    assert account.order_id in {order.order_id for order in orders}
    order = next(order for order in orders if order.order_id == account.order_id)
    totals = order.quote.totals
    assert totals == account.quote.totals
    assert len(order.quote.lines) == 2
    assert totals.tax.minor_units > 0
    assert (
        totals.net.minor_units + totals.tax.minor_units + totals.rounding.minor_units
        == totals.total.minor_units
    )


def test_a_known_address_gets_the_same_answer_and_another_mail(stack, anonymous, account):
    request = anonymous.sign_up_request(EMAIL, "other.ch")
    answer = anonymous.sign_ups.SignUp(request).sign_up
    assert answer.state == sign_up_pb2.SIGN_UP_STATE_AWAITING_CODE
    assert answer.quote.totals.total.minor_units == account.quote.totals.total.minor_units
    assert not answer.user_id and not answer.organization_id and not answer.order_id
    until(lambda: any("already" in mail.get_content() for mail in stack.mails(EMAIL)))
    wrong = refused(
        anonymous.sign_ups.ConfirmSignUp,
        sign_up_pb2.ConfirmSignUpRequest(
            request_id=new_id(), sign_up_id=answer.sign_up_id, code="00000000"
        ),
    )
    fresh = anonymous.sign_ups.SignUp(
        anonymous.sign_up_request("nobody@example.org", "third.ch")
    ).sign_up
    unknown = refused(
        anonymous.sign_ups.ConfirmSignUp,
        sign_up_pb2.ConfirmSignUpRequest(
            request_id=new_id(), sign_up_id=fresh.sign_up_id, code="00000000"
        ),
    )
    assert (wrong.code, wrong.reason, wrong.message) == (
        unknown.code,
        unknown.reason,
        unknown.message,
    )


def test_a_wrong_password_and_an_unknown_address_answer_alike(anonymous, account):
    wrong = refused(
        anonymous.sessions.SignIn,
        session_pb2.SignInRequest(email=EMAIL, password=PASSWORD + "!", device_name="x"),
    )
    unknown = refused(
        anonymous.sessions.SignIn,
        session_pb2.SignInRequest(email="who@example.org", password=PASSWORD, device_name="x"),
    )
    assert wrong == unknown
    assert wrong.code == grpc.StatusCode.UNAUTHENTICATED


def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(stack, account):
    client = Client(stack.channel())
    client.sign_in(EMAIL)
    first = client.refresh_token
    request = session_pb2.RefreshSessionRequest(refresh_token=first)
    renewed = client.sessions.RefreshSession(request)
    client.token = renewed.tokens.access_token
    client.users.GetUser(session_pb2.GetUserRequest(), **client.auth)
    assert refused(client.sessions.RefreshSession, request).code == grpc.StatusCode.UNAUTHENTICATED
    after = refused(client.users.GetUser, session_pb2.GetUserRequest(), **client.auth)
    assert after.code == grpc.StatusCode.UNAUTHENTICATED


def test_signing_out_works_at_once_everywhere(stack, account):
    client = Client(stack.channel())
    client.sign_in(EMAIL)
    client.balance()
    client.sessions.SignOut(session_pb2.SignOutRequest(request_id=new_id()), **client.auth)
    for call, request in (
        (client.users.GetUser, session_pb2.GetUserRequest()),
        (client.products.ListProducts, product_pb2.ListProductsRequest()),
        (client.prepaid.GetPrepaidAccount, prepaid_pb2.GetPrepaidAccountRequest(currency_code="CHF")),
    ):
        assert refused(call, request, **client.auth).code == grpc.StatusCode.UNAUTHENTICATED


def test_too_little_money_names_what_is_missing_and_changes_nothing(stack):
    client, sign_up = open_account(stack, "poor@example.org", "poor.ch")
    order_id = sign_up.order_id
    total = sign_up.quote.totals.total.minor_units
    client.top_up(500)
    request = order_pb2.PayOrderRequest(
        request_id=new_id(), order_id=order_id, payment_method=order_pb2.PAYMENT_METHOD_PREPAID
    )
    error = refused(client.orders.PayOrder, request, **client.auth)
    assert error.code == grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "INSUFFICIENT_FUNDS"
    assert error.metadata["missing_minor_units"] == str(total - 500)
    assert client.balance() == 500
    assert len(client.movements()) == 1
    order = client.orders.GetOrder(order_pb2.GetOrderRequest(order_id=order_id), **client.auth).order
    assert order.state == order_pb2.ORDER_STATE_PENDING
    assert not client.products.ListProducts(product_pb2.ListProductsRequest(), **client.auth).products
    assert not client.invoices.ListInvoices(billing_pb2.ListInvoicesRequest(), **client.auth).invoices
    # The same request succeeds once there is enough money.
    client.top_up(total)
    assert client.orders.PayOrder(request, **client.auth).order.state == order_pb2.ORDER_STATE_PAID
    assert client.balance() == 500


def test_a_provider_event_that_arrives_twice_credits_once(stack, client):
    before = client.balance()
    top_up = client.top_up(2_000, deliveries=3)
    assert top_up.state == prepaid_pb2.TOP_UP_STATE_SETTLED
    assert client.balance() == before + 2_000


def test_paying_makes_active_products_and_an_invoice(client, paid_order):
    assert len(paid_order.product_ids) == 2
    products = client.products.ListProducts(product_pb2.ListProductsRequest(), **client.auth).products
    mine = {p.product_id: p for p in products if p.product_id in paid_order.product_ids}
    assert {p.product_type_id for p in mine.values()} == {"web-hosting", "domain-name"}
    for product in mine.values():
        assert product.state == product_pb2.PRODUCT_STATE_ACTIVE
        assert product.period_end.year == product.period_start.year + 1
    invoice = client.invoices.GetInvoice(
        billing_pb2.GetInvoiceRequest(invoice_id=paid_order.invoice_id), **client.auth
    ).invoice
    assert invoice.state == billing_pb2.INVOICE_STATE_PAID
    assert invoice.order_id == paid_order.order_id
    assert invoice.totals == paid_order.quote.totals
    assert invoice.recipient.family_name == "Lovelace"
    assert "MWST" in invoice.supplier.vat_number
    assert {line.product_id for line in invoice.lines} == set(paid_order.product_ids)


def test_products_are_listed_by_category_and_type(client, paid_order):
    def listed(**filters):
        return {
            product.product_type_id
            for product in client.products.ListProducts(
                product_pb2.ListProductsRequest(**filters), **client.auth
            ).products
        }

    assert "web-hosting" in listed(category=catalogue_pb2.CATEGORY_WEB_AND_DOMAIN)
    assert listed(product_type_id="domain-name") == {"domain-name"}
    assert not listed(category=catalogue_pb2.CATEGORY_TOOLS)
    assert not listed(product_type_id="drive")


def test_the_due_list_shows_two_months_by_default_and_all_on_request(client, paid_order):
    request = order_pb2.PlaceOrderRequest(
        request_id=new_id(),
        lines=[catalogue_pb2.OrderLine(plan_id=client.plan("web-hosting", 1), months=1)],
        currency_code="CHF",
        recipient=party(),
        accepted_terms_version=client.terms(),
    )
    monthly = pay_order(client, client.orders.PlaceOrder(request, **client.auth).order.order_id)
    soon = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(), **client.auth).items
    assert {item.product_id for item in soon} == set(monthly.product_ids)
    everything = client.due.ListDueItems(
        billing_pb2.ListDueItemsRequest(all=True), **client.auth
    ).items
    assert {item.product_id for item in everything} >= set(paid_order.product_ids)
    none = client.due.ListDueItems(
        billing_pb2.ListDueItemsRequest(due_before=date_pb2.Date(year=2020, month=1, day=1)),
        **client.auth,
    ).items
    assert not none


def test_renewing_extends_from_the_old_end_on_a_second_invoice(client, paid_order):
    items = client.due.ListDueItems(billing_pb2.ListDueItemsRequest(all=True), **client.auth).items
    item = next(item for item in items if item.product_id == paid_order.product_ids[0])
    before = client.products.GetProduct(
        product_pb2.GetProductRequest(product_id=item.product_id), **client.auth
    ).product
    assert item.period_start == before.period_end
    balance = client.balance()
    quote = client.due.QuoteDueItems(
        billing_pb2.QuoteDueItemsRequest(request_id=new_id(), due_item_ids=[item.due_item_id]),
        **client.auth,
    ).quote
    assert quote.totals == item.totals
    pay = billing_pb2.PayDueItemsRequest(
        request_id=new_id(), payment_quote_id=quote.payment_quote_id
    )
    with ThreadPoolExecutor(4) as pool:
        payments = list(
            pool.map(lambda _: client.due.PayDueItems(pay, **client.auth).payment, range(4))
        )
    assert len({payment.payment_id for payment in payments}) == 1
    payment = until(
        lambda: (
            read := client.due.GetPayment(
                billing_pb2.GetPaymentRequest(payment_id=payments[0].payment_id), **client.auth
            ).payment
        ).state
        == billing_pb2.PAYMENT_STATE_COMPLETE
        and read
    )
    after = client.products.GetProduct(
        product_pb2.GetProductRequest(product_id=item.product_id), **client.auth
    ).product
    assert after.period_start == before.period_end
    assert after.period_end.year == before.period_end.year + 1
    assert client.balance() == balance - quote.totals.total.minor_units
    assert payment.invoice_id != paid_order.invoice_id
    # The period that was paid is no longer due, and its quote cannot be paid again.
    again = refused(
        client.due.PayDueItems,
        billing_pb2.PayDueItemsRequest(
            request_id=new_id(), payment_quote_id=quote.payment_quote_id
        ),
        **client.auth,
    )
    assert again.code == grpc.StatusCode.FAILED_PRECONDITION


def test_invoice_numbers_have_no_gaps_and_the_statement_adds_up(client, paid_order):
    invoices = client.invoices.ListInvoices(billing_pb2.ListInvoicesRequest(), **client.auth).invoices
    assert len(invoices) >= 1
    assert len({invoice.number for invoice in invoices}) == len(invoices)
    movements = client.movements()
    assert sum(movement.amount.minor_units for movement in movements) == client.balance()
    running = client.balance()
    for movement in movements:
        assert movement.balance.minor_units == running
        running -= movement.amount.minor_units
    assert running == 0


def test_an_unpaid_order_can_be_cancelled_and_then_not_paid(client, paid_order):
    request = order_pb2.PlaceOrderRequest(
        request_id=new_id(),
        lines=[catalogue_pb2.OrderLine(plan_id=client.plan("drive", 1), months=1)],
        currency_code="CHF",
        recipient=party(),
        accepted_terms_version=client.terms(),
    )
    order = client.orders.PlaceOrder(request, **client.auth).order
    cancel = order_pb2.CancelOrderRequest(request_id=new_id(), order_id=order.order_id)
    for _ in range(2):
        answer = client.orders.CancelOrder(cancel, **client.auth).order
        assert answer.state == order_pb2.ORDER_STATE_CANCELLED
    error = refused(
        client.orders.PayOrder,
        order_pb2.PayOrderRequest(
            request_id=new_id(),
            order_id=order.order_id,
            payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
        ),
        **client.auth,
    )
    assert error.code == grpc.StatusCode.FAILED_PRECONDITION
    paid = refused(
        client.orders.CancelOrder,
        order_pb2.CancelOrderRequest(request_id=new_id(), order_id=paid_order.order_id),
        **client.auth,
    )
    assert paid.code == grpc.StatusCode.FAILED_PRECONDITION


def test_validate_only_prices_and_places_nothing(client, paid_order):
    def count():
        return len(
            client.orders.ListOrders(order_pb2.ListOrdersRequest(page_size=100), **client.auth).orders
        )

    before = count()
    answer = client.orders.PlaceOrder(
        order_pb2.PlaceOrderRequest(
            request_id=new_id(),
            lines=[catalogue_pb2.OrderLine(plan_id=client.plan("drive", 12), months=12)],
            currency_code="CHF",
            recipient=party(),
            accepted_terms_version=client.terms(),
            validate_only=True,
        ),
        **client.auth,
    ).order
    assert answer.quote.totals.total.minor_units > 0
    assert not answer.order_id
    assert count() == before


def test_the_audit_log_tells_what_happened(client, account):
    entries = client.organizations.ListAuditEntries(
        organization_pb2.ListAuditEntriesRequest(), **client.auth
    ).entries
    assert [entry.sequence for entry in entries] == list(range(len(entries), 0, -1))
    assert "organization.created" in {entry.action for entry in entries}


def test_an_amount_of_another_size_than_the_top_up_is_not_credited(client):
    before = client.balance()
    top_up = client.top_ups.CreateTopUp(
        prepaid_pb2.CreateTopUpRequest(
            request_id=new_id(), amount=money(1_000), method=prepaid_pb2.TOP_UP_METHOD_CARD
        ),
        **client.auth,
    ).top_up
    error = refused(
        client.sandbox.CompleteCardPayment,
        prepaid_pb2.CompleteCardPaymentRequest(
            provider_reference=top_up.provider_reference, amount=money(100_000)
        ),
    )
    assert error.code in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT)
    event = client.sandbox.CompleteCardPayment(
        prepaid_pb2.CompleteCardPaymentRequest(
            provider_reference=top_up.provider_reference, amount=top_up.amount
        )
    )
    forged = refused(
        client.provider_events.DeliverProviderEvent,
        prepaid_pb2.DeliverProviderEventRequest(
            provider=top_up.provider, payload=event.payload + b"\x00", signature=event.signature
        ),
    )
    assert forged.code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT)
    assert client.balance() == before
