use serde_json::json;

use super::*;

fn with<T>(value: &Value, read: impl FnOnce(&Fields<'_>, &mut Notes) -> T) -> (T, Vec<String>) {
    let mut notes = Notes::default();
    let fields = Fields::of(value, "data".to_owned()).unwrap();
    let answer = read(&fields, &mut notes);
    (answer, notes.into_lines())
}

#[test]
fn absent_null_and_empty_are_the_same() {
    for value in [json!({}), json!({"k": null}), json!({"k": ""})] {
        let (text, notes) = with(&value, |fields, notes| fields.text("k", notes));
        assert_eq!(text, None);
        assert_eq!(notes, [""; 0]);
    }
    let value = json!({"k": null});
    assert!(with(&value, |fields, _| fields.list("k").unwrap().is_empty()).0);
    assert!(with(&value, |fields, _| fields.object("k").unwrap().is_none()).0);
}

#[test]
fn a_scalar_of_the_wrong_type_is_absent_with_a_note() {
    let value =
        json!({"text": 7, "flag": "true", "time": "2024", "float": 1.5, "past": -1, "id": "a b"});
    let (answers, notes) = with(&value, |fields, notes| {
        (
            fields.text("text", notes),
            fields.flag("flag", notes),
            fields.time("time", notes),
            fields.time("float", notes),
            fields.time("past", notes),
            fields.optional_id("id", notes),
        )
    });
    assert_eq!(answers, (None, false, None, None, None, None));
    assert_eq!(
        notes,
        [
            "data.text is a number, not a string",
            "data.flag is a string, neither true nor false",
            "data.time is a string, not a number",
            "data.float is not a time",
            "data.past is not a time",
            "data.id is no usable id: the id holds a character that is not visible ASCII",
        ]
    );
}

#[test]
fn a_time_is_the_same_however_its_number_is_written() {
    for body in [
        r#"{"k":1716883200000}"#,
        r#"{"k":1716883200000.0}"#,
        r#"{"k":1.7168832e12}"#,
    ] {
        let value = serde_json::from_str(body).unwrap();
        let (time, notes) = with(&value, |fields, notes| fields.time("k", notes));
        assert_eq!(time.unwrap().timestamp_millis(), 1_716_883_200_000);
        assert_eq!(notes, [""; 0]);
    }
    for body in [r#"{"k":1e300}"#, r#"{"k":-1e300}"#, r#"{"k":9.3e18}"#] {
        let value = serde_json::from_str(body).unwrap();
        let (time, notes) = with(&value, |fields, notes| fields.time("k", notes));
        assert_eq!(time, None);
        assert_eq!(notes, ["data.k is not a time"]);
    }
}

#[test]
fn a_container_of_the_wrong_type_stops_the_mapping_and_names_its_place() {
    let value = json!({"k": "x"});
    let (list, _) = with(&value, |fields, _| fields.list("k").map(<[_]>::len));
    assert_eq!(
        list.unwrap_err().to_string(),
        "data.k is a string, not a list"
    );
    let (object, _) = with(&value, |fields, _| fields.object("k").map(|_| ()));
    assert_eq!(
        object.unwrap_err().to_string(),
        "data.k is a string, not an object"
    );
}

#[test]
fn the_id_of_the_object_itself_is_demanded() {
    for (value, reason) in [
        (json!({}), "data.id is missing"),
        (json!({"id": 1}), "data.id is a number, not a string"),
        (
            json!({"id": ""}),
            "data.id is no usable id: the id is empty",
        ),
    ] {
        let (id, _) = with(&value, |fields, _| fields.id("id"));
        assert_eq!(id.unwrap_err().to_string(), reason);
    }
}

#[test]
fn texts_lose_nuls_and_what_is_too_long() {
    let value = json!({"nul": "a\0b", "only": "\0", "long": "éééé"});
    let (texts, notes) = with(&value, |fields, notes| {
        [
            fields.text("nul", notes),
            fields.text("only", notes),
            fields.text_within("long", 3, notes),
        ]
    });
    assert_eq!(texts, [Some("ab".to_owned()), None, Some("ééé".to_owned())]);
    assert_eq!(
        notes,
        [
            "data.nul held NUL characters",
            "data.only held NUL characters",
            "data.long was cut to 3 characters",
        ]
    );
}
