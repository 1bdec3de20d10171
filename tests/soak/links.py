"""Links of many gates in one process, for want of as many machines: `python -m tests.soak.links`, with the gates'
states on standard input, one a line. With `--light` there are no states behind them: each line is what a gate keeps of
its centre (JSON), and what comes is read and acknowledged, and kept nowhere; with `--telling` also said: when, by the
monotonic clock, and what."""

import asyncio
import json
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from gate.fleet import messages
from gate.fleet.connection import Line, fetched
from gate.fleet.joined import Joined, read_joined
from gate.fleet.names import HEAD, REGISTER, GateNames
from gate.fleet.service import Link
from gate.processes.fields import read
from gate.store.database import open_database

AT_ONCE = 25


async def whole(states):
    with ExitStack() as stack:
        links = [Link(one, stack.enter_context(closing(open_database(one))), read_joined(one)) for one in states]
        print("ready", flush=True)
        async with asyncio.TaskGroup() as tasks:
            for one in links:
                tasks.create_task(one.run())


async def light(gates, telling):
    print("ready", flush=True)
    async with asyncio.TaskGroup() as tasks:
        for one in gates:
            names = GateNames(one.gate)
            line = Line([one.place], one.certificate, one.nkey_seed, one.gate, names.inbox)
            tasks.create_task(line.for_ever(lambda broker, names=names: reads(broker, names, telling)))


async def reads(broker, names, telling):
    await broker.subscribe(HEAD, cb=passed_over)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reports(broker, names))
        for consumer in names.consumers:
            tasks.create_task(reads_one(broker, names, consumer, telling))


async def reports(broker, names):
    while not broker.is_closed:
        with suppress(Exception):
            await broker.publish(names.report, messages.report_data(messages.Report(False, 0, 0)))
        await asyncio.sleep(5)


async def passed_over(_):
    pass


async def reads_one(broker, names, consumer, telling):
    while not broker.is_closed:
        # The consumer may not be made yet, or the line be cut: as a link does, it tries again.
        with suppress(Exception):
            subscription = await broker.jetstream().pull_subscribe_bind(consumer=consumer, stream=REGISTER)
            try:
                calmly = consumer != names.revocations
                async for some in fetched(subscription, AT_ONCE, calmly=calmly):
                    for one in some:
                        if telling:
                            print(time.monotonic(), one.subject, flush=True)
                        await one.ack()
            finally:
                await subscription.unsubscribe()
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    lines = sys.stdin.read().splitlines()
    if "--light" in sys.argv:
        asyncio.run(light([read(Joined, json.loads(one)) for one in lines], "--telling" in sys.argv))
    else:
        asyncio.run(whole([Path(one) for one in lines]))
