-- Which contacts were merged into this one.
create index concurrently if not exists dynamics_contacts_merged
  on dynamics_contacts (organization_id, merged_into) where merged_into is not null;
