package store

import (
	"context"
	"time"

	"kelas/classroom"
)

func (o *observed) PutAPIKey(ctx context.Context, k classroom.APIKey) (err error) {
	defer o.time("PutAPIKey", time.Now(), &err)
	return o.next.PutAPIKey(ctx, k)
}

func (o *observed) UpdateAPIKey(ctx context.Context, k classroom.APIKey) (_ classroom.APIKey, err error) {
	defer o.time("UpdateAPIKey", time.Now(), &err)
	return o.next.UpdateAPIKey(ctx, k)
}

func (o *observed) APIKey(ctx context.Context, id string) (_ classroom.APIKey, err error) {
	defer o.time("APIKey", time.Now(), &err)
	return o.next.APIKey(ctx, id)
}

func (o *observed) APIKeys(ctx context.Context) (_ []classroom.APIKey, err error) {
	defer o.time("APIKeys", time.Now(), &err)
	return o.next.APIKeys(ctx)
}

func (o *observed) TouchAPIKey(ctx context.Context, id string, at time.Time) (err error) {
	defer o.time("TouchAPIKey", time.Now(), &err)
	return o.next.TouchAPIKey(ctx, id, at)
}

func (o *observed) PutIdempotent(ctx context.Context, r classroom.Idempotent) (err error) {
	defer o.time("PutIdempotent", time.Now(), &err)
	return o.next.PutIdempotent(ctx, r)
}

func (o *observed) UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (_ classroom.Idempotent, err error) {
	defer o.time("UpdateIdempotent", time.Now(), &err)
	return o.next.UpdateIdempotent(ctx, r)
}

func (o *observed) Idempotent(ctx context.Context, key string) (_ classroom.Idempotent, err error) {
	defer o.time("Idempotent", time.Now(), &err)
	return o.next.Idempotent(ctx, key)
}

func (o *observed) DeleteIdempotent(ctx context.Context, key string) (err error) {
	defer o.time("DeleteIdempotent", time.Now(), &err)
	return o.next.DeleteIdempotent(ctx, key)
}

func (o *observed) UseToken(ctx context.Context, id string, expires time.Time) (err error) {
	defer o.time("UseToken", time.Now(), &err)
	return o.next.UseToken(ctx, id, expires)
}

func (o *observed) PutSigningKey(ctx context.Context, k classroom.SigningKey) (err error) {
	defer o.time("PutSigningKey", time.Now(), &err)
	return o.next.PutSigningKey(ctx, k)
}

func (o *observed) SigningKeys(ctx context.Context) (_ []classroom.SigningKey, err error) {
	defer o.time("SigningKeys", time.Now(), &err)
	return o.next.SigningKeys(ctx)
}

func (o *observed) DeleteSigningKey(ctx context.Context, id string) (err error) {
	defer o.time("DeleteSigningKey", time.Now(), &err)
	return o.next.DeleteSigningKey(ctx, id)
}

func (o *observed) LessonsPage(ctx context.Context, q classroom.LessonQuery) (_ []classroom.Lesson, err error) {
	defer o.time("LessonsPage", time.Now(), &err)
	return o.next.LessonsPage(ctx, q)
}

func (o *observed) DeleteLesson(ctx context.Context, id string) (err error) {
	defer o.time("DeleteLesson", time.Now(), &err)
	return o.next.DeleteLesson(ctx, id)
}

func (o *observed) DeleteUser(ctx context.Context, id string) (err error) {
	defer o.time("DeleteUser", time.Now(), &err)
	return o.next.DeleteUser(ctx, id)
}
