"""The whole path on the sample event, whose truth is known."""

import json
import uuid

import numpy as np
import pytest

import eventlens

pytestmark = pytest.mark.usefixtures("indexed")


def keys(matches):
    return {match.photo.key for match in matches}


def names_with(sample, *, person=None, bib=None):
    return {
        photo.name
        for photo in sample.truth
        if (person is None or person in photo.persons)
        and (bib is None or bib in photo.bibs)
        and not photo.hard
    }


def test_a_selfie_finds_the_persons_photos_and_nobody_elses(sample, indexed):
    found = total = wrong = 0
    for person, selfie in sample.selfies.items():
        matches = indexed.find_selfie(selfie).matches
        everything = {photo.name for photo in sample.truth if person in photo.persons}
        expected = names_with(sample, person=person)
        found += len(expected & keys(matches))
        total += len(expected)
        wrong += len(keys(matches) - everything)
    assert found >= 0.9 * total
    assert wrong <= 0.02 * total


def test_a_bib_finds_the_runners_photos_and_no_others(sample, indexed):
    found = total = wrong = 0
    for bib in set(sample.bibs.values()):
        exact = [match for match in indexed.find_bib(bib) if match.kind == "bib"]
        everything = {photo.name for photo in sample.truth if bib in photo.bibs}
        expected = names_with(sample, bib=bib)
        found += len(expected & keys(exact))
        total += len(expected)
        wrong += len(keys(exact) - everything)
    assert total > 0
    assert found >= 0.9 * total
    assert wrong <= 0.03 * total


def test_bibs_keep_letters_and_ignore_case(sample, indexed):
    lettered = [bib for bib in sample.bibs.values() if bib[0].isalpha()]
    assert lettered, "the sample event has a bib with a letter"
    assert keys(indexed.find_bib(lettered[0].lower())) == keys(indexed.find_bib(f"  {lettered[0]} "))


def test_boxes_lie_on_the_truth(sample, indexed):
    """The box of each exact match overlaps a painted bib of that photo."""
    boxes = {photo.name: photo.bib_boxes for photo in sample.truth}
    bib = max(sample.bibs.values(), key=lambda text: len(names_with(sample, bib=text)))

    def overlaps(a, b):
        return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]

    for match in indexed.find_bib(bib):
        if match.kind == "bib":
            assert any(overlaps(match.box, box) for box in boxes[match.photo.key]), match


def test_matches_come_surest_first_and_probabilities_are_chances(sample, indexed):
    matches = indexed.find_selfie(next(iter(sample.selfies.values())), min_probability=0).matches
    probabilities = [match.probability for match in matches]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(0 <= p <= 1 for p in probabilities)


def test_min_probability_and_limit(sample, indexed):
    selfie = next(iter(sample.selfies.values()))
    everything = indexed.find_selfie(selfie, min_probability=0).matches
    assert len(indexed.find_selfie(selfie, min_probability=0, limit=2).matches) == 2
    sure = indexed.find_selfie(selfie, min_probability=0.9).matches
    assert 0 < len(sure) < len(everything)
    assert all(match.probability >= 0.9 for match in sure)


def test_bytes_paths_and_pixels_are_the_same_selfie(sample, indexed):
    selfie = next(iter(sample.selfies.values()))
    rgb = eventlens.decode_image(selfie.read_bytes())
    answers = [
        keys(indexed.find_selfie(given).matches) for given in (selfie, selfie.read_bytes(), rgb, [selfie])
    ]
    assert answers[0]
    assert all(answer == answers[0] for answer in answers)


def test_a_search_is_frozen_under_its_id(sample, indexed):
    people = list(sample.selfies.values())
    request_id = str(uuid.uuid4())
    first = indexed.find_selfie(people[0], request_id=request_id)
    again = indexed.find_selfie(people[1], request_id=request_id)  # another selfie: the id decides
    assert not first.repeated
    assert again.repeated
    assert [m.photo.uuid for m in again.matches] == [m.photo.uuid for m in first.matches]
    assert [m.photo.uuid for m in indexed.search(request_id.upper()).matches] == [
        m.photo.uuid for m in first.matches
    ]
    with pytest.raises(LookupError):
        indexed.search(str(uuid.uuid4()))


def test_a_selfie_without_a_face_is_an_error(indexed, plain_jpeg):
    with pytest.raises(eventlens.BadInputError, match="no face"):
        indexed.find_selfie(plain_jpeg)


def test_of_several_faces_the_largest_is_meant_and_it_says_so(sample, indexed):
    people = [eventlens.decode_image(path.read_bytes()) for path in list(sample.selfies.values())[:2]]
    large, small = (eventlens.resize_image(p, 600, 600 * p.shape[0] // p.shape[1]) for p in people)
    small = eventlens.resize_image(small, small.shape[1] // 3, small.shape[0] // 3)
    canvas = np.full((max(large.shape[0], small.shape[0]), large.shape[1] + small.shape[1], 3), 128, np.uint8)
    canvas[: large.shape[0], : large.shape[1]] = large
    canvas[: small.shape[0], large.shape[1] :] = small
    both = indexed.find_selfie(canvas)
    assert both.selfies[0].faces_seen == 2
    assert keys(both.matches) == keys(indexed.find_selfie(large).matches)


def test_a_face_that_fills_the_frame_is_found(sample, indexed):
    selfie = next(iter(sample.selfies.values()))
    rgb = eventlens.decode_image(selfie.read_bytes())
    face = eventlens.FaceFinder().find_in_selfie(rgb)[0]
    x, y, width, height = (round(value) for value in face.box)
    tight = np.ascontiguousarray(rgb[max(0, y) : y + height, max(0, x) : x + width])
    assert keys(indexed.find_selfie(tight).matches) & keys(indexed.find_selfie(selfie).matches)


@pytest.mark.parametrize("bib", ["", "   ", "1" * 1000])
def test_bib_queries_that_are_none(indexed, bib):
    with pytest.raises(ValueError, match="bib"):
        indexed.find_bib(bib)


@pytest.mark.parametrize("bib", ["%", "_", "'", '"', "1' OR '1'='1", ".*", "\\d+", "0x41", "١٢٣"])
def test_bib_queries_mean_themselves(indexed, bib):
    assert indexed.find_bib(bib) == []


def test_every_bib_counts_for_the_photos_that_show_it(sample, indexed):
    counted = indexed.bibs()
    for bib, count in counted.items():
        assert count == len([m for m in indexed.find_bib(bib) if m.kind == "bib"])
    assert counted.most_common(1)[0][0] in sample.bibs.values()


def test_pattern_and_roster_apply_to_what_was_read(sample, tmp_path):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Rules")
    lettered = next(bib for bib in sample.bibs.values() if bib[0].isalpha())
    with_letter = sorted(photo.name for photo in sample.truth if lettered in photo.bibs)[:3]
    event.index([sample.photos / name for name in with_letter])
    assert not any(match.kind == "bib" for match in event.find_bib(lettered))  # digits only by default
    event.bib_pattern = r"[A-Z]?\d{2,5}"
    before = event.find_bib(lettered)
    assert any(match.kind == "bib" for match in before)
    event.set_roster(b"bib,name\nA1,Nobody\n")
    assert max(m.probability for m in event.find_bib(lettered)) < max(m.probability for m in before)
    event.set_roster(f"bib;name\n{lettered.lower()};Runner\n".encode())
    assert max(m.probability for m in event.find_bib(lettered)) >= max(m.probability for m in before)


def test_a_broken_pattern_is_refused_and_nothing_changes(season):
    event = season.create_event("Patterns")
    with pytest.raises(ValueError, match="pattern"):
        event.bib_pattern = "(["
    assert event.bib_pattern == r"\d{2,5}"
    with pytest.raises(ValueError, match="pattern"):
        season.create_event("Other", bib_pattern="*")


def test_hidden_photos_are_not_found_and_come_back(sample, tmp_path):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Hiding", bib_pattern=r"[A-Z]?\d{2,5}")
    person, selfie = next(iter(sample.selfies.items()))
    names = sorted(names_with(sample, person=person))[:3]
    event.index([sample.photos / name for name in names])
    search = event.find_selfie(selfie)
    assert search.matches
    event.hide([search.matches[0].photo])
    hidden = search.matches[0].photo.uuid
    assert hidden not in {m.photo.uuid for m in event.find_selfie(selfie).matches}
    assert hidden not in {m.photo.uuid for m in event.search(search.request_id).matches}
    event.show([search.matches[0].photo])
    assert hidden in {m.photo.uuid for m in event.find_selfie(selfie).matches}


def test_rows_are_what_a_table_needs(indexed):
    frame = pytest.importorskip("pandas") and indexed.to_dataframe()
    assert {"photo", "key", "captured", "bib", "probability", "x"} <= set(frame.columns)
    assert len(frame) >= indexed.counts.total
    json.dumps([row | {"captured": str(row["captured"])} for row in indexed.rows()])


def test_a_notebook_shows_thumbnails(sample, indexed):
    html = indexed.find_selfie(next(iter(sample.selfies.values())))._repr_html_()
    assert html.count("data:image/jpeg;base64,") >= 1


def test_alternatives_by_name(sample, tmp_path):
    """dlib's embedding and Tesseract's reader do the same job, less well."""
    event = eventlens.open(tmp_path / "s", embedder="dlib-resnet", reader="tesseract").create_event(
        "Alternatives"
    )
    person, selfie = next(iter(sample.selfies.items()))
    names = sorted(names_with(sample, person=person))[:3]
    others = sorted(
        {photo.name for photo in sample.truth} - {p.name for p in sample.truth if person in p.persons}
    )[:3]
    report = event.index([sample.photos / name for name in names + others])
    assert not report.failed
    best = event.find_selfie(selfie, min_probability=0, query_expansion=False).matches[0]
    assert best.photo.key.rsplit("/", 1)[-1] in names
    with pytest.raises(LookupError, match="nobody"):
        eventlens.FaceFinder(embedder="nobody")
