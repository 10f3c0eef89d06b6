-- How the source writes the keys of its listings, as far as lookups have shown it: whether a page says that its keys are encoded, and the
-- words of the encodings that explain all pages. Null: no key with more than one reading was looked up yet.
ALTER TABLE sources ADD COLUMN keys_declared_encoded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN key_encodings TEXT;
