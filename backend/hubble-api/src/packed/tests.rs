use super::*;
use crate::pb::observer::GetFlowsResponse;
use proptest::prelude::*;
use prost::Message as _;

fn pack(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut stream = Vec::new();
    for message in messages {
        stream.extend(encoder.push(message).unwrap().unwrap_or_default());
    }
    stream.extend(encoder.finish().unwrap_or_default());
    assert_eq!(encoder.finish(), None);
    stream
}

fn unpack(stream: &[u8]) -> Result<Vec<Vec<u8>>, PackedError> {
    let mut messages = Vec::new();
    for batch in batches(stream) {
        let batch = batch?;
        for message in batch.messages() {
            messages.push(message?.to_vec());
        }
    }
    Ok(messages)
}

fn header(messages: u32, raw_bytes: u32, compressed_bytes: u32) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend([messages, raw_bytes, compressed_bytes].into_iter().flat_map(u32::to_le_bytes));
    header
}

/// Batch with consistent lengths around an uncompressed block.
fn batch_of(messages: u32, raw: &[u8]) -> Vec<u8> {
    let block = lz4_flex::block::compress(raw);
    let raw_bytes = u32::try_from(raw.len()).unwrap();
    let mut batch = header(messages, raw_bytes, u32::try_from(block.len()).unwrap());
    batch.extend(block);
    batch
}

#[test]
fn the_layout_is_as_documented() {
    let stream = pack(&[b"ab".to_vec(), Vec::new()]);
    let mut expected = header(2, 4, 5);
    // LZ4 token "4 literals, no match", followed by the literals.
    expected.extend([0x40, 2, b'a', b'b', 0]);
    assert_eq!(stream, expected);
}

#[test]
fn headers_state_how_many_messages_there_are() {
    let two = pack(&[b"ab".to_vec(), Vec::new()]);
    let three = pack(&[b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]);
    let check = |stream: &[u8], expected: usize| assert_eq!(stated_messages(stream), expected);
    check(&[], 0);
    check(&[two.clone(), three.clone()].concat(), 5);
    // Up to the first defect.
    check(&[two.clone(), b"HFP2".to_vec(), three.clone()].concat(), 2);
    check(&[two, three[..three.len() - 1].to_vec()].concat(), 2);
    check(&header(3, 2, 1), 0);
}

#[test]
fn a_full_batch_is_returned_at_once() {
    let mut encoder = Encoder::new();
    let message = vec![7; BATCH_RAW_BYTES / 4];
    let closed: Vec<usize> = (0..8).filter(|_| encoder.push(&message).unwrap().is_some()).collect();
    assert_eq!(closed, [3, 7]);
    assert_eq!(encoder.finish(), None);
}

#[test]
fn a_message_of_nearly_a_batch_gets_one_of_its_own() {
    let small = vec![1; 1_000];
    let large = vec![2; MAX_BATCH_RAW_BYTES - 4];
    let messages = [small.clone(), large.clone(), small];
    let stream = pack(&messages);
    assert_eq!(unpack(&stream).unwrap(), messages);
    let lens: Vec<usize> = batches(&stream).map(|batch| batch.unwrap().len()).collect();
    assert_eq!(lens, [1, 1, 1]);

    let mut encoder = Encoder::new();
    let too_long = vec![2; MAX_BATCH_RAW_BYTES];
    assert_eq!(encoder.push(&too_long), Err(MessageTooLong { len: MAX_BATCH_RAW_BYTES }));
    assert_eq!(encoder.finish(), None);
}

#[test]
fn bad_streams_have_distinct_errors() {
    #[track_caller]
    fn check(stream: &[u8], expected: PackedError) {
        assert_eq!(unpack(stream), Err(expected));
    }

    let good = pack(&[b"flow".to_vec()]);
    let joined = [good.clone(), good.clone()].concat();
    assert_eq!(unpack(&joined).unwrap().len(), 2);
    assert_eq!(unpack(&[]), Ok(Vec::new()));

    check(b"H", PackedError::Truncated);
    check(b"<!DOCTYPE html>", PackedError::Magic);
    check(b"x", PackedError::Magic);
    check(b"HFP2............", PackedError::Magic);
    check(&good[..good.len() - 1], PackedError::Truncated);
    check(&joined[..joined.len() - 1], PackedError::Truncated);
    check(&[good.as_slice(), b"HTTP"].concat(), PackedError::Magic);
    check(&header(1, u32::MAX, 10), PackedError::TooLong { raw_bytes: u32::MAX });
    check(&header(3, 2, 3), PackedError::Lengths);
    check(&header(1, 2, 1 << 20), PackedError::Lengths);
    // Blocks that decompress to more and to fewer bytes than the header states.
    let block = lz4_flex::block::compress(&[0; 1_000]);
    let len = u32::try_from(block.len()).unwrap();
    check(&[header(1, 999, len), block.clone()].concat(), PackedError::Block);
    check(&[header(1, 1_001, len), block].concat(), PackedError::Block);
    check(&[header(1, 8, 3), vec![0xff; 3]].concat(), PackedError::Block);
    // Messages longer than the batch, shorter than the batch, and with a length that is not a
    // varint.
    check(&batch_of(1, &[5, 1, 2]), PackedError::Messages);
    check(&batch_of(1, &[1, 1, 2]), PackedError::Messages);
    check(&batch_of(2, &[1, 1]), PackedError::Messages);
    check(&batch_of(0, &[1]), PackedError::Messages);
    check(&batch_of(1, &[0xff; 11]), PackedError::Messages);
}

proptest! {
    #[test]
    fn packed_messages_are_unpacked(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..50),
    ) {
        let stream = pack(&messages);
        prop_assert_eq!(unpack(&stream).unwrap(), messages);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(stream in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..200usize) {
        let _ = unpack(&stream);
        let mut bent = pack(&[b"flow flow flow flow".to_vec(), stream.clone()]);
        if let Some(byte) = bent.get_mut(cut) {
            *byte ^= 0x41;
        }
        let _ = unpack(&bent);
    }
}

/// Flows packed by the first version of the format: dashboards that were saved as snapshots hold
/// them. The file is never written again; a new version of the format gets a file beside it.
#[test]
fn flows_that_were_saved_are_still_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/saved");
    let stream = std::fs::read(folder.join("packed-hfp1.bin")).unwrap();
    let lines = std::fs::read_to_string(folder.join("packed-hfp1.jsonl")).unwrap();
    let saved: Vec<String> = unpack(&stream)
        .unwrap()
        .iter()
        .map(|message| GetFlowsResponse::decode(message.as_slice()).unwrap())
        .map(|message| crate::json::write(&message).unwrap())
        .collect();
    assert_eq!(saved, lines.lines().collect::<Vec<_>>());
    assert!(saved.len() > 30 && batches(&stream).count() > 1, "too small a sample");
}
