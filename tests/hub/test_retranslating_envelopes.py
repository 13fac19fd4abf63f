"""What came in an envelope is translated again as it was taken over: in order, with the status of its envelope."""

from polling_harness import House, MemoryHub, envelope

from gateway.exchange.retranslating import kept_translation, retranslate
from gateway.hub.importing import Importer
from gateway.hub.sources import RemoteSource, Waiting


def test_the_content_of_an_envelope_gives_the_same_bytes(store):
    house, hub = House(store), MemoryHub()
    partner = house.partner("the-hub")
    issue = envelope()
    number = issue.header.certificate_number
    for sent in (issue, envelope(issue.content, certificate_number=number, certificate_status=40)):
        waiting = Waiting(hub.envelopes[hub.put(sent)].header, partner)
        row = Importer(house.context, RemoteSource(partner, hub), validate=house.validate).take(waiting)
        assert row.state == "imported"
        with store.read() as connection:
            kept = kept_translation(connection, row.exchange_id, tables=house.context.index.version)
        assert kept.status_code == str(sent.header.certificate_status)
        assert retranslate(kept, partner, house.context.index.at(kept.tables, kept.day)).same
