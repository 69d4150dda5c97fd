"""What the path costs, measured from outside: /proc and the services' own call logs."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests" / "Integration"))

import stubs  # noqa: E402,F401  (generates the stubs)
from client import Client, new_id, until  # noqa: E402
from kontor.accounting.v1 import billing_pb2  # noqa: E402
from kontor.identity.v1 import sign_up_pb2  # noqa: E402
from kontor.shop.v1 import order_pb2, product_pb2  # noqa: E402
from stack import SERVICES, Stack  # noqa: E402

# The threads that hash passwords, by the name that the service gives them.
HASHING = "password"


def processor_time(pid: int) -> tuple[float, float]:
    """Milliseconds on a processor so far: without the hashing threads, and theirs."""
    # The kernel's clock of another process (clock_getcpuclockid); it counts ended threads too.
    total = time.clock_gettime_ns(~pid << 3 | 2) / 1e6
    hashing = sum(
        int((task / "schedstat").read_text().split()[0]) / 1e6
        for task in Path(f"/proc/{pid}/task").iterdir()
        if (task / "comm").read_text().startswith(HASHING)
    )
    return total - hashing, hashing


def resident_memory(pid: int) -> float:
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


class CallLog:
    """Counts the calls that services made to each other, from their logs."""

    def __init__(self, stack: Stack):
        self.files = {s: stack.folder / "logs" / f"{s}.log" for s in SERVICES if s != "gateway"}
        self.offsets = {service: path.stat().st_size for service, path in self.files.items()}

    def take(self) -> dict[str, int]:
        """Calls since the last look, by method; the gateway's own are left out."""
        counts: dict[str, int] = {}
        for service, path in self.files.items():
            with open(path, encoding="utf-8") as log:
                log.seek(self.offsets[service])
                text = log.read()
                self.offsets[service] = log.tell()
            for line in text.splitlines():
                call = re.search(r"msg=call .*method=(\S+).*peer=(\S+)", line)
                if call and call.group(2) not in ("kontor-gateway", "kontor-operator"):
                    if "grpc.health" not in call.group(1):
                        name = call.group(1).rsplit(".", 1)[-1]
                        counts[name] = counts.get(name, 0) + 1
        return counts


def path_steps(stack: Stack, number: int):
    """The path as named steps, each a call without arguments."""
    client = Client(stack.channel())
    address, state = f"cost-{number}@example.org", {}

    def sign_up():
        request = client.sign_up_request(address, f"cost-{number}.ch")
        state["sign_up"] = client.sign_ups.SignUp(request).sign_up
        state["code"] = stack.mailed_code(address)

    def confirm():
        identifier = state["sign_up"].sign_up_id
        client.sign_ups.ConfirmSignUp(
            sign_up_pb2.ConfirmSignUpRequest(
                request_id=new_id(), sign_up_id=identifier, code=state["code"]
            )
        )
        state["sign_up"] = until(
            lambda: (
                read := client.sign_ups.GetSignUp(
                    sign_up_pb2.GetSignUpRequest(sign_up_id=identifier)
                ).sign_up
            ).state
            == sign_up_pb2.SIGN_UP_STATE_COMPLETE
            and read
        )

    def top_up():
        client.top_up(state["sign_up"].quote.totals.total.minor_units * 2, deliveries=2)

    def pay():
        order = client.orders.PayOrder(
            order_pb2.PayOrderRequest(
                request_id=new_id(),
                order_id=state["sign_up"].order_id,
                payment_method=order_pb2.PAYMENT_METHOD_PREPAID,
            ),
            **client.auth,
        ).order
        assert order.state == order_pb2.ORDER_STATE_PAID

    def products():
        client.products.ListProducts(product_pb2.ListProductsRequest(category=1), **client.auth)

    def due_list():
        state["item"] = client.due.ListDueItems(
            billing_pb2.ListDueItemsRequest(all=True), **client.auth
        ).items[0]

    def renew():
        quote = client.due.QuoteDueItems(
            billing_pb2.QuoteDueItemsRequest(
                request_id=new_id(), due_item_ids=[state["item"].due_item_id]
            ),
            **client.auth,
        ).quote
        payment = client.due.PayDueItems(
            billing_pb2.PayDueItemsRequest(
                request_id=new_id(), payment_quote_id=quote.payment_quote_id
            ),
            **client.auth,
        ).payment
        assert payment.state == billing_pb2.PAYMENT_STATE_COMPLETE

    def statement():
        assert sum(m.amount.minor_units for m in client.movements()) == client.balance()

    return {
        "price list and sign-up": sign_up,
        "code": confirm,
        "sign-in": lambda: client.sign_in(address),
        "top-up, reported twice": top_up,
        "pay the order": pay,
        "list products": products,
        "due list": due_list,
        "quote and renew": renew,
        "statement": statement,
    }


def main() -> None:
    runs = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="kontor-cost-") as folder:
        stack = Stack(Path(folder) / "data", arguments=("--log-level", "debug"))
        ready = []
        for _ in range(5):
            began = time.monotonic()
            stack.start()
            ready.append(time.monotonic() - began)
            if len(ready) < 5:
                stack.stop()
                assert stack.command("reset", "--yes").returncode == 0
        print(f"until ready: {statistics.median(ready):.2f} s (median of {len(ready)})\n")
        pids = {service: stack.pid(service) for service in SERVICES}
        print("memory of an idle process, MB:")
        for service, pid in pids.items():
            print(f"  {service:14} {resident_memory(pid):6.1f}")

        log = CallLog(stack)
        calls: dict[str, dict[str, int]] = {}
        used: dict[str, dict[str, list[float]]] = {}
        hashing: list[float] = []
        for number in range(runs + 1):
            for step, action in path_steps(stack, number).items():
                before = {service: processor_time(pid) for service, pid in pids.items()}
                action()
                after = {service: processor_time(pid) for service, pid in pids.items()}
                time.sleep(0.01)
                made = log.take()
                if number == 0:
                    continue  # the first run connects and warms up
                calls[step] = made
                for service in SERVICES:
                    spent = after[service][0] - before[service][0]
                    used.setdefault(step, {}).setdefault(service, []).append(spent)
                hashing.append(sum(after[s][1] - before[s][1] for s in SERVICES))

        print(f"\nprocessor time, ms, mean of {runs} runs (password hashing apart):")
        print(f"  {'step':24}" + "".join(f"{service:>15}" for service in SERVICES))
        sums = dict.fromkeys(SERVICES, 0.0)
        for step, services in used.items():
            means = {service: statistics.mean(values) for service, values in services.items()}
            for service, value in means.items():
                sums[service] += value
            print(f"  {step:24}" + "".join(f"{means[service]:15.2f}" for service in SERVICES))
        print(f"  {'one run':24}" + "".join(f"{sums[service]:15.2f}" for service in SERVICES))
        print(f"  password hashing: {sum(hashing) / runs:.1f} ms a run")

        print("\ncalls between services, in the last run:")
        for step, made in calls.items():
            listed = ", ".join(f"{name} ×{count}" for name, count in sorted(made.items()))
            print(f"  {step:24} {sum(made.values()):3}  {listed}")
        stack.stop()


if __name__ == "__main__":
    main()
