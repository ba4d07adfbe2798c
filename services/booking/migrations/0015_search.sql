-- Up Migration

-- Where a venue is, in words: searched, and shown to customers.
alter table venues add column address text;

/* The words of a text as search knows them: lower case, without accents, split at spaces and punctuation, each once, in order of bytes.
   Independent of the server's locale, so that one database answers like another. Words end after 64 characters, texts after 40 words. */
create function search_words(source text) returns text[] language sql immutable parallel safe
return array(
  select word
    from (select distinct left(part, 64) collate "C" as word
            from regexp_split_to_table(
                   regexp_replace(lower(normalize(source, nfkd) collate pg_c_utf8), '[\u0300-\u036f]', '', 'g') collate pg_c_utf8,
                   '[[:space:][:punct:][:cntrl:]]+') as part
           where part <> '') as words
   order by word
   limit 40
);

-- What can be found. A table of its own: a row of `events` is written with every hold, and an index on its texts would be too.
create table search_entries (
  id text collate "C" primary key,
  kind text not null constraint search_entries_kind_is_known check (kind in ('event', 'resource')),
  venue_id text collate "C" not null,
  hall_id text collate "C",
  -- The words of the name, and `#` with each category of its prices.
  document tsvector not null,
  -- The order of all answers: events by their start, what has none after them.
  sort_at timestamptz not null,
  ends_at timestamptz not null,
  -- [{"category": "standard", "amount": 4500}]; a resource has one without a category.
  prices jsonb not null,
  low_price bigint not null,
  high_price bigint not null
);
create index search_entries_in_order on search_entries (sort_at, id);
create index search_entries_of_venue on search_entries (venue_id, sort_at, id);
create index search_entries_over on search_entries (ends_at) where kind = 'event';
-- Without a list of what is still to be indexed: the catalogue changes seldom, and every search would go through that list.
create index search_entries_document on search_entries using gin (document) with (fastupdate = off);

-- The words of venues are with the venues: a venue that is renamed does not touch what takes place in it.
alter table venues add column document tsvector not null generated always as (
  array_to_tsvector(search_words(name || ' ' || time_zone || ' ' || coalesce(address, '')))
) stored;
create index venues_document on venues using gin (document) with (fastupdate = off);

-- Every word that was ever in a document: what a mistyped one is compared with. A word that is not in use any more does no harm.
create table search_vocabulary (
  word text collate "C" primary key
);
create index search_vocabulary_similar on search_vocabulary using gin (word public.gin_trgm_ops) with (fastupdate = off);

-- Words like this one, the most similar first, and none that is much less so than the best. The threshold lets two letters change
-- places in a word of six. Of three letters and fewer anything is like anything.
create function similar_words(mistyped text, most integer) returns text[] language plpgsql stable
  set pg_trgm.similarity_threshold = 0.2 as $$
begin
  if length(mistyped) < 4 then
    return '{}';
  end if;
  return array(
    select word
      from (select word, likeness, max(likeness) over () as best
              from (select word, public.similarity(word, mistyped) as likeness
                      from search_vocabulary
                     where word operator(public.%) mistyped) as alike
             order by likeness desc, word
             limit most) as most_alike
     where likeness >= 0.75 * best
     order by likeness desc, word);
end $$;

create function learn_words(document tsvector) returns void language sql as $$
  insert into search_vocabulary (word)
  select lexeme collate "C" from unnest(tsvector_to_array(document)) as lexeme
   where lexeme not like '#%'
   order by 1
  on conflict do nothing
$$;

create function index_event(e events) returns void language plpgsql as $$
declare
  doc tsvector := array_to_tsvector(search_words(e.name)
                                    || array(select '#' || (p ->> 'category') from jsonb_array_elements(e.prices) as p));
begin
  if e.archived_at is not null or e.cancelled_at is not null then
    delete from search_entries where id = e.id;
    return;
  end if;
  insert into search_entries (id, kind, venue_id, hall_id, document, sort_at, ends_at, prices, low_price, high_price)
  select e.id, 'event', e.venue_id, e.hall_id, doc, e.starts_at, e.ends_at, e.prices, min(amount), max(amount)
    from jsonb_to_recordset(e.prices) as p (amount bigint)
  on conflict (id) do update
     set document = excluded.document, sort_at = excluded.sort_at, ends_at = excluded.ends_at,
         prices = excluded.prices, low_price = excluded.low_price, high_price = excluded.high_price;
  perform learn_words(doc);
end $$;

create function index_resource(r resources) returns void language plpgsql as $$
declare
  doc tsvector := array_to_tsvector(search_words(r.name));
begin
  if r.archived_at is not null then
    delete from search_entries where id = r.id;
    return;
  end if;
  insert into search_entries (id, kind, venue_id, document, sort_at, ends_at, prices, low_price, high_price)
  values (r.id, 'resource', r.venue_id, doc, 'infinity', 'infinity',
          jsonb_build_array(jsonb_build_object('category', null, 'amount', r.price_per_slot)), r.price_per_slot, r.price_per_slot)
  on conflict (id) do update
     set document = excluded.document, prices = excluded.prices, low_price = excluded.low_price, high_price = excluded.high_price;
  perform learn_words(doc);
end $$;

create function on_event_described() returns trigger language plpgsql as $$
begin
  perform index_event(new);
  return null;
end $$;
create function on_resource_described() returns trigger language plpgsql as $$
begin
  perform index_resource(new);
  return null;
end $$;
create function on_venue_described() returns trigger language plpgsql as $$
begin
  perform learn_words(new.document);
  return null;
end $$;

-- By column: what holds write (counters and versions) is not among them.
create trigger events_described
  after insert or update of name, starts_at, ends_at, prices, archived_at, cancelled_at on events
  for each row execute function on_event_described();
create trigger resources_described
  after insert or update of name, price_per_slot, archived_at on resources
  for each row execute function on_resource_described();
create trigger venues_described
  after insert or update of name, time_zone, address on venues
  for each row execute function on_venue_described();

select index_event(e) from events e where e.ends_at > clock.app_now();
select index_resource(r) from resources r;
select learn_words(v.document) from venues v;

-- Down Migration
drop trigger venues_described on venues;
drop trigger resources_described on resources;
drop trigger events_described on events;
drop function on_venue_described, on_resource_described, on_event_described, index_resource, index_event, learn_words, similar_words;
drop table search_vocabulary, search_entries;
alter table venues drop column document, drop column address;
drop function search_words;
