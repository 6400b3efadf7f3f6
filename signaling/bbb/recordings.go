package bbb

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
)

// There are no recordings yet. The calls about them answer as a server does
// that has none, so that an LMS which asks goes on.

func getRecordings(context.Context, *call) ([]node, error) {
	return withMessage(keyNoRecordings, "There are no recordings for the meeting(s).", tree("recordings")), nil
}

// changeRecordings is publish-, update- and deleteRecordings: of what is not
// there nothing can be changed.
func changeRecordings(_ context.Context, c *call) ([]node, error) {
	if c.p["recordID"] == "" {
		return nil, failed("missingParamRecordID", "You must give a recording ID.")
	}
	return nil, failed(keyNotFound, "No recording was found with that recording ID.")
}

// languageTag is the shape of a tag by BCP 47.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// textTracks is getRecordingTextTracks and putRecordingTextTrack, which speak
// JSON.
func textTracks(_ context.Context, c *call) ([]node, error) {
	put := c.name == "putRecordingTextTrack"
	key, text := keyNoRecordings, "No recording was found with that recording ID."
	switch kind := c.p["kind"]; {
	case c.p["recordID"] == "":
		key, text = "missingParamRecordID", "You must give a recording ID."
	case put && kind != "subtitles" && kind != "captions":
		key, text = "invalidKind", "kind is subtitles or captions."
	case put && !languageTag.MatchString(c.p["lang"]):
		key, text = "invalidLang", "lang is a language such as id or en-US."
	}
	return nil, c.json(map[string]string{"returncode": "FAILED", "messageKey": key, "message": text})
}

// json answers by itself, as the few calls do that are not XML.
func (c *call) json(response any) error {
	body, err := json.Marshal(map[string]any{"response": response})
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(body)
	return nil
}
