"""A committed migration never changes: stores have been migrated by it. Add a new one, with its digest here."""

import hashlib

from graph.domain.model.migrations import number
from graph.stores.neo4j import migrator as neo4j_migrator
from graph.stores.sqlite import migrator as sqlite_migrator

SQLITE = {
    "0001_initial": "4d36764e0ce6f5d752871c2a2ee05d2e4a819133ef7134f4783d8e56bf16e2a9",
    "0002_guards": "c725b977ede8771d5d8760a6bb4577539ad308929622cb78b063d9abdcee5b1e",
    "0003_source_revocations": "4c7f0b3b7ead066fdc11daf3b17db010d562c59d69607ad83df548662e900577",
    "0004_erasure": "600ce90db0fd6cadf8944445f10c352fb67f5ae47ede406f35c21c733615ad6a",
    "0005_restrictions": "0be3cea82081905d85b98d1377d39d869b8a03af75e6afa9558518b45f6c2565",
    "0006_received_from": "63be0d0be49e62f72e9c80f8a9d88d86796acb3a545a8b9ef9b38c4e7c74da0e",
    "0007_unindexed_observations": "4ffe076beb58a8d8794e827e0527477ffea86e88a6786d826f5d11c279ef92b9",
    "0008_product_details": "18873b23111a14c04e2d06fb892df10f6c4c8b7f31263e84c8c6f5e7eb460a76",
    "0009_refused_records": "843a07ed5296a691f5af8ccf60f5e46762c7f0d7923831f0ff19774c9029863f",
    "0010_audiences": "9c38946d262c22f269d71869aa5e563af62d2c64a81b420cef3ba15a7007a1bc",
    "0011_views": "d1cfe91a2c5aed3923464ac4d23aed0a8a127f9efb0a0c893da78f0cac71904f",
    "0012_changes_of_kind": "c049df27fdefd1b379a71db3a325afa710d5542b93172f05d84643d0070f9a04",
    "0013_disputes": "93bb29e7f7a38664a622c83bdbbabdff9b442cbe2b52b87dc8cfbe38b6fe1389",
}
NEO4J = {
    "0000_migration_name": "d32e7937a60b8e7269da1e693018659374ccf405fc5bfe221f05233eb56d4af4",
    "0001_identifier_key": "8470d6bb2b8ff4bed4f1795f031746fdf6482575c2f5ff3fd9c22cf44ff40408",
    "0002_customer_id": "6c9e8ff425d41be124a804a21093861560edd01cc654a6672b280385d6d6d493",
    "0003_customer_anchor": "9049cdb3180ce75acaa1dfad50836475e7f041eec9a318850752d0f5130421ea",
    "0004_observation_key": "430fe95de67fecb5e8736bedfd105c3ae8c6b78b5da8724a048c8cf8f1f5fe05",
    "0005_observation_order": "d39fc2a34ac127833b4e992d3d9f95d6889b6e2b16048b381a24ba68c7283059",
    "0006_override_id": "f3b9e71ba9b1660dfafe2293d4669c1940dd8810e1abf8bf97b69bb2b2496b49",
    "0007_override_identifiers": "d9d80497ad8e71c5ecc27eb26d2db0b204a3d027cf16b3ec0eda31affb2c111b",
    "0008_change_number": "6498173a3d436e4bbf1a34a2876bd5b8915b2f4fb996edb52c8789b571dc03fe",
    "0009_feed_name": "9c29a691b0619820da4fb66d58a9763bc161b9ffb7304a937666d0c0720152c4",
    "0010_rules_version": "ed1d2ce245fde7832268f548d73d66fcfbc22db926e0fee35a9f2ddb97a73adc",
    "0011_idempotency_key": "09a8160edc447e7200cd77b7552a9abe4524afc9b2ba1b468eecad89a7b79f9a",
    "0012_reported_time": "370cfb251ba3a9c8b1b703f8c2668edf0ba9f0d0f6a5e6ce4a494f02328f9f16",
    "0013_product_sku": "bc9a9d1860c672b7fbda297ab03ddaefcde8b1f147397cfb2e79096acd1ba71f",
    "0014_stored_value_name": "4646e1ec79ae671efb5320cc7e09632c259c87721c29f4ced76c9531797557a2",
    "0015_reported_type": "cf5889fa0321ee83f5ff64857b873136c6b0a5356aac0236e3bad76fc1ff9322",
    "0016_segment_id": "4aa81d3c065572a551f611c470ae4f3357a6bce5e78a43358106ab502a710bf2",
    "0017_segment_name": "37317499f806d35d3ac78e9faf4ad6e9e58a82ce59cd542778d19beb593545be",
    "0018_membership": "338506af3b54e5bc86c05cb35153d3373c42da6f034fee8ceb011494294a7a8b",
    "0019_membership_customer": "df93ea6888c14e88d6f3537d161e6a9f79ee01415dec5a5734933610459cdd40",
    "0020_customer_due": "b4bdf7fd95aff7b1aaa590ae6dc9792e28b0b646eeca4c5ad735763e79d11917",
    "0021_identifier_customer_node": "4e52db2b3d2abd31132f399ce48615ee5d4e06d7a1e9fc5023d896fdaff27b1d",
    "0022_order_customer_node": "3a11277a5953c30e4af71fc6641a7ccb5c2762661b2c8ca6f3611d3296fbefa7",
    "0023_fact_holder_customer_node": "f3264b6f410677b8d9b0fdf63cff4cc4ae06d5f4478b27125e1cea2f49504b45",
    "0024_change_customer_recorded_at": "337ca06102c2379801e00510b0269b72b7d1f03e72510f8bf043d424eee78972",
    "0025_change_other_customer_recorded_at": "71613d1ef2276851c70b771b203b44609c456b597cb63afd0f2414cc5dd1bba2",
    "0026_words": "5811381daa1ee464d7cabb3235ad5641b5c273b64b4a7c2a33199f0303275711",
    "0027_source_revocation_id": "9d5563cca988ca8221a1748fc67f02777f8f9909277c234fd715b12926b3fb10",
    "0028_tombstone_hash": "6128c4d7a85b9e5e9e9861c0ff1c257c7a09e5496ea1edc7e046ff06bde34683",
    "0029_erasure_id": "f63ac3c816233e28459c3e31e1c135ad2949830f86aaa9538e16ace4dc133db9",
    "0030_erasure_request_id": "02165db8bb3ad530d8ee040f3d9d60b79c8834d26823b5a12eb6b05f13e7c513",
    "0031_erased_customer_id": "fa964f8be0318c8ac697906ab00a431cd19bb5ad5755af25b470c4a97e877c7d",
    "0032_held_order_hash": "a09d65210789af469bd516745fe1b27c7fe0c1d1f254bf795bb86af6e26e9e05",
    "0033_restriction_id": "3293d4b029c8c11e20ce80fe0a82bd30c0b0b17b3234fe1f5e1d9e5c3b1e7832",
    "0034_restriction_request": "65203e6147c75742efb5379b4df4b3f33e4e36529ab78ff6e973142523cff997",
    "0035_unindexed_observations": "995d5351cbdfcde6c388e81030f305c3c0ec78b23c6f720c8d652204c08cc850",
    "0036_refused_record_id": "b1b5cb996130d2ff9961d73178c0b52482cda80992b0da83eae56290d606eb90",
    "0037_refused_record_order": "8a00467b626e6b06f4db89a7fc046bbb8e4e1bb607ab824545330130a410e99c",
    "0038_refused_record_source": "5c7590f7e6e39c667bd1160dd53d6b6f4937cdecc045f71d9f26807fb7400e04",
    "0039_audience_id": "3eaf53e96abc92fc84ef5ba6adc17e54edd738620071d803dfa4ec799abd3918",
    "0040_delivery_id": "26411acdb87725eb9ee3473ae56747aa589cbe71d357e1bfa453c4eee63af1cd",
    "0041_delivery_due": "9723c8845e73ca2b77d19c2b6913b2c2e18f60df7ea67f5e02ffb8bf8e9da0f5",
    "0042_delivery_place": "3a69e528ab10db7c826e6dd5cb84afe20e2a9744a749e2c08a607b27f31f07d5",
    "0043_delivery_open": "5215b8b24e61c3c8044f081132f3c4eb36727a712736c95cbd61b9a2556d95ab",
    "0044_delivery_open_place": "be5a7ca9c4043ef61d755a74b2b81320793e1b00cea7c0bcdad0da84d5afa029",
    "0045_delivery_customer": "40c037ab0823d5f257b000452fc5fcac9db046d64f2130943dfa2724e6dc8ef5",
    "0046_delivery_key": "444af1505fb540118489790b5b4f276ca24083aeac217b597f9c4866239af602",
    "0047_delivery_erasure": "f548e48f79389d5740afdc7807105c97833e01f69a1026125bbb8f6841573cf2",
    "0048_waiting_change": "58fdfbe9bd9dedf65addd1a4ad74a6b9440d51632bb00f6e6b11608d746a08b5",
    "0049_change_kind": "9ed6e93497865ccf5ce899a52230fff28b384d06d53650ee09d69cc21783f0a9",
    "0050_disputed_customer_node": "0abe2234b15ae0a294d0ced5f7d072c96ca453ca6f41c09ca785b77403c39ebe",
    "0051_link_suspended_a": "4a2c1ce5d2d6fdd232b17e642412f2fe02021cae782d0eaa597151ce55746f67",
    "0052_link_suspended_b": "b741ee27ecc85cfbb432aaac434d02f4207340e183b48f4d3517ba6550669be6",
    "0053_disputed_links": "d9ed4cb9acd920c9309b74460439cca686f90f4631044bc2500e1c2fad72d5f0",
    "0054_disputed_overrides": "e461916cefdb73a51e48b5feb1ac2bbdc5b12b9c83c8a2accac0abd40cb80501",
}


def test_migrations_of_sqlite_are_those_that_were_committed() -> None:
    scripts = sqlite_migrator.scripts()
    assert {name: hashlib.sha256(script.encode()).hexdigest() for name, script in scripts.items()} == SQLITE


def test_migrations_of_neo4j_are_those_that_were_committed() -> None:
    assert {name: neo4j_migrator.digest(name) for name in neo4j_migrator.SCHEMA} == NEO4J


def test_migrations_are_numbered_without_gaps_in_their_order() -> None:
    assert list(map(number, SQLITE)) == list(range(1, len(SQLITE) + 1))
    assert list(map(number, NEO4J)) == list(range(len(NEO4J)))
    assert list(sqlite_migrator.scripts()) == list(SQLITE)
    assert list(neo4j_migrator.SCHEMA) == list(NEO4J)
